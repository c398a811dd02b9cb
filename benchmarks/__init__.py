"""What kit's speed is compared with: peers, limits, and one table of both."""
