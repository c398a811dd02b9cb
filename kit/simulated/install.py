"""Lays the stand-ins at the vendor's paths.

    python3 -m simulated.install --root / --tools ascend --tools tensorrt --chip 310P3 --devices 2

``--root`` may be any folder (tests): the programs then take that folder for the machine's root, and ``set_env.sh``
names paths below it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from .elf import MACHINES, launcher, library

__all__ = ["install", "main"]

HOME = "opt/kit-simulated"
ASCEND = "usr/local/Ascend"
ENTRY = """\"\"\"Starts a stand-in: TOOL PROGRAM ARGS...\"\"\"
import os, sys
# set_env.sh may put the working directory on the path: a file there must not take a library's place.
given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
sys.path[1:] = sorted(sys.path[1:], key=lambda place: place in given or place == os.getcwd())
os.environ.setdefault("KIT_SIM_ROOT", {root!r})
from simulated.__main__ import main
from simulated.world import run
run(lambda: main([sys.argv[1] + "@" + sys.argv[2], *sys.argv[3:]]))
"""
AIS = """\"\"\"{name}: a stand-in.\"\"\"
import os, sys
sys.path.insert(0, {home!r})
os.environ.setdefault("KIT_SIM_ROOT", {root!r})
from simulated.ais_bench import main
from simulated.world import run
run(lambda: main({name!r}, sys.argv[1:]))
"""
# What the vendor's atc is: a script around atc.bin that finds its package from its own, resolved place.
ATC = """#!/bin/bash
# SIMULATED: stand-in for the converter's wrapper
self="$(readlink -f "$0")"
PKG_PATH="$(cd "$(dirname "$self")/.." && pwd)"
export LD_LIBRARY_PATH="${PKG_PATH}/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PYTHONPATH="${PKG_PATH}/python/site-packages${PYTHONPATH:+:$PYTHONPATH}"
"${PKG_PATH}/bin/atc.bin" "$@"
"""
SET_ENV = """# SIMULATED: stand-in for the toolkit's set_env.sh
export LD_LIBRARY_PATH={driver}/lib64:{driver}/lib64/common:{driver}/lib64/driver:$LD_LIBRARY_PATH
export ASCEND_TOOLKIT_HOME={latest}
export LD_LIBRARY_PATH=${{ASCEND_TOOLKIT_HOME}}/lib64:${{ASCEND_TOOLKIT_HOME}}/lib64/plugin/opskernel:\
${{ASCEND_TOOLKIT_HOME}}/lib64/plugin/nnengine:$LD_LIBRARY_PATH
export PYTHONPATH=${{ASCEND_TOOLKIT_HOME}}/python/site-packages:\
${{ASCEND_TOOLKIT_HOME}}/opp/op_impl/built-in/ai_core/tbe:$PYTHONPATH
export PATH=${{ASCEND_TOOLKIT_HOME}}/bin:${{ASCEND_TOOLKIT_HOME}}/compiler/ccec_compiler/bin:$PATH
export ASCEND_AICPU_PATH=${{ASCEND_TOOLKIT_HOME}}
export ASCEND_OPP_PATH=${{ASCEND_TOOLKIT_HOME}}/opp
export TOOLCHAIN_HOME=${{ASCEND_TOOLKIT_HOME}}/toolkit
export ASCEND_HOME_PATH=${{ASCEND_TOOLKIT_HOME}}
"""


class Installer:
    """Writes below one root; the machine may be another one than this (``--machine``)."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.root = Path(args.root).resolve()
        self.machine: str = args.machine
        self.home = self.root / HOME

    def write(self, path: str, data: str | bytes, *, mode: int = 0o644) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            target.unlink()  # never through a link, never into a program that runs
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        target.chmod(mode)
        return target

    def link(self, path: str, to: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        if not target.exists():
            target.symlink_to(to)

    def program(self, path: str, tool: str, machine: str | None = None) -> None:
        """An ELF program; on an architecture without one a shell script."""
        kind = machine or self.machine
        python = self.args.python
        if kind in MACHINES:
            self.write(path, launcher(kind, python, str(self.home), tool), mode=0o755)
        else:
            self.write(path, f'#!/bin/sh\nexec "{python}" "{self.home}" {tool} "$0" "$@"\n', mode=0o755)

    def package(self) -> None:
        """The stand-ins themselves and the configuration of the machine."""
        source = Path(__file__).resolve().parent
        target = self.home / "simulated"
        if source != target:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
        self.write(f"{HOME}/__main__.py", ENTRY.format(root=str(self.root)))
        args = self.args
        config = {"chip": args.chip, "devices": args.devices, "toolkit": args.toolkit, "driver": args.driver}
        config |= {"tensorrt": args.tensorrt, "nvidia_driver": args.nvidia_driver, "benchmark": args.generation}
        self.write("etc/kit-simulated.json", json.dumps(config, indent=2, sort_keys=True) + "\n")

    def ascend(self) -> None:
        args = self.args
        version = f"{ASCEND}/ascend-toolkit/{args.toolkit}"
        latest = self.root / ASCEND / "ascend-toolkit/latest"
        self.link(f"{ASCEND}/ascend-toolkit/latest", args.toolkit)
        self.write(f"{version}/bin/atc", ATC, mode=0o755)
        self.program(f"{version}/bin/atc.bin", "atc")
        # Paths of 5.0 and before that scripts still name.
        for old in ("atc", "acllib"):
            for part in ("bin", "lib64", "python"):
                self.link(f"{version}/{old}/{part}", f"../{part}")
        shared = library(self.machine if self.machine in MACHINES else "x86_64")
        self.write(f"{version}/lib64/libascendcl.so", shared, mode=0o755)
        self.write(f"{version}/{self.machine}-linux/devlib/libascend_hal.so", shared, mode=0o755)
        self.write(f"{version}/{self.machine}-linux/ascend_toolkit_install.info", self.toolkit_info(version))
        self.write(f"{version}/version.cfg", f"# version: 1.0\ntoolkit_running_version=[1.81.0.0.0:{args.toolkit}]\n")
        (self.root / version / "opp").mkdir(parents=True, exist_ok=True)
        (self.root / version / "SIMULATED").write_text("stand-ins, not the vendor's toolkit\n", encoding="utf-8")
        self.write(
            f"{ASCEND}/ascend-toolkit/set_env.sh",
            SET_ENV.format(latest=latest, driver=self.root / ASCEND / "driver"),
        )
        self.program("usr/local/bin/npu-smi", "npu-smi")
        for folder in args.benchmark_dir:
            for machine in MACHINES:
                self.program(f"{folder.lstrip('/')}/benchmark.{machine}", "benchmark", machine)
        if not args.no_driver:
            self.driver()
        if not args.no_ais_bench:
            self.ais(version)
        if not args.no_python37:
            self.python37()

    def toolkit_info(self, version: str) -> str:
        return (
            f"package_name=Ascend-cann-toolkit\nversion={self.args.toolkit}\ninnerversion=V100R001C81B000\n"
            f"arch={self.machine}\nos=linux\npath={self.root / version}\n"
        )

    def driver(self) -> None:
        """What the host's driver would have mounted; the chip decides the version."""
        number = self.args.driver or ("21.0.4" if self.args.chip == "310" else "22.0.0")
        shared = library(self.machine if self.machine in MACHINES else "x86_64")
        self.write(f"{ASCEND}/driver/version.info", f"Version={number}\nrequired_firmware_firmware_version=1.0\n")
        self.write(f"{ASCEND}/driver/lib64/libascend_hal.so", shared, mode=0o755)
        self.write(f"{ASCEND}/firmware/version.info", "Version=1.80.22.2.220\n")
        self.write("usr/local/dcmi/libdcmi.so", shared, mode=0o755)
        info = "Driver_Install_Type=run\nDriver_Install_Path_Param=/usr/local/Ascend\nDriver_Install_For_All=no\n"
        self.write("etc/ascend_install.info", f"UserName=HwHiAiUser\nUserGroup=HwHiAiUser\n{info}")

    def ais(self, version: str) -> None:
        """ais_bench where set_env.sh leads, and for a real root where pip would have put it."""
        places = [self.root / version / "python/site-packages"]
        if self.root == Path("/"):
            places.append(Path(sysconfig.get_path("purelib")))
        for place in places:
            folder = place / "ais_bench"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").write_text('"""SIMULATED: stand-in for ais_bench."""\n', encoding="utf-8")
            (folder / "__main__.py").write_text(self.ais_text("ais_bench"), encoding="utf-8")
        self.write(f"{version}/tools/ais_infer/ais_infer.py", self.ais_text("ais_infer.py"))

    def ais_text(self, name: str) -> str:
        return AIS.format(name=name, home=str(self.home), root=str(self.root))

    def python37(self) -> None:
        """``python3.7`` of the vendor's images, because scripts call it by that name; it is this Python."""
        text = f'#!/bin/sh\n# SIMULATED: the python3.7 of the vendor\'s images\nexec "{self.args.python}" "$@"\n'
        for name in (
            "usr/local/python3.7.5/bin/python3.7",
            "usr/local/python3.7.5/bin/python3",
            "usr/local/bin/python3.7",
        ):
            if not (self.root / name).exists():
                self.write(name, text, mode=0o755)

    def tensorrt(self) -> None:
        self.program("workspace/tensorrt/bin/trtexec", "trtexec")
        for path in ("opt/tensorrt/bin/trtexec", "usr/src/tensorrt/bin/trtexec"):
            self.link(path, os.path.relpath(self.root / "workspace/tensorrt/bin/trtexec", (self.root / path).parent))
        self.program("usr/bin/nvidia-smi", "nvidia-smi")


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulated.install", description=__doc__)
    parser.add_argument("--root", default="/", help="where the vendor's paths begin (default /)")
    parser.add_argument(
        "--tools", action="append", choices=["ascend", "tensorrt"], help="default: both; may be repeated"
    )
    parser.add_argument("--chip", default="310", help="Name column of npu-smi: 310, 310P3, 710, ...")
    parser.add_argument("--devices", type=int, default=4, help="chips or GPUs of the virtual machine (default 4)")
    parser.add_argument("--toolkit", default="5.1.RC1", help="CANN version")
    parser.add_argument("--driver", default="", help="Ascend driver version (default: 21.0.4 for 310, else 22.0.0)")
    parser.add_argument("--generation", default="C", choices=["A", "B", "C"], help="generation of the benchmark tool")
    parser.add_argument("--tensorrt", default="7.2.3", help="TensorRT version, 7.0.0 to 10.x")
    parser.add_argument("--nvidia-driver", default="450.80.02")
    parser.add_argument("--benchmark-dir", action="append", help="folder for benchmark.<arch>; may be repeated")
    parser.add_argument(
        "--machine", default=platform.machine(), help="architecture of the programs (default: this one)"
    )
    parser.add_argument("--python", default=sys.executable, help="Python that runs the stand-ins")
    parser.add_argument("--no-driver", action="store_true", help="leave the driver's files to mounts")
    parser.add_argument("--no-ais-bench", action="store_true")
    parser.add_argument("--no-python37", action="store_true")
    args = parser.parse_args(argv)
    args.tools = args.tools or ["ascend", "tensorrt"]
    args.benchmark_dir = args.benchmark_dir or ["/usr/local/bin"]
    return args


def install(argv: list[str]) -> Path:
    """Install as the command line says; the root."""
    installer = Installer(arguments(argv))
    installer.package()
    if "ascend" in installer.args.tools:
        installer.ascend()
    if "tensorrt" in installer.args.tools:
        installer.tensorrt()
    return installer.root


def main(program: str, argv: list[str]) -> int:
    """Install; 0."""
    del program
    print(f"[SIMULATED] stand-ins installed below {install(argv)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main("install", sys.argv[1:]))
