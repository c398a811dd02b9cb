"""Work on many hosts: a Ray cluster, or jobs for Slurm and Kubernetes. Ray is imported only for a cluster."""
