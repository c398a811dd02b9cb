"""Install the stand-ins at the vendor's paths.

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

from .versions import version_of

__all__ = ["install", "main"]

HOME = "opt/kit-simulated"
ASCEND = "usr/local/Ascend"
#: Starts a stand-in from a program of the vendor's name: python ENTRY TOOL PROGRAM ARGS...
ENTRY = """\"\"\"Starts a stand-in: TOOL PROGRAM ARGS...\"\"\"
import os, shutil, sys
# set_env.sh may put the working directory on the path: a file there must not take a library's place.
given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
sys.path[1:] = sorted(sys.path[1:], key=lambda place: place in given or place == os.getcwd())
os.environ.setdefault("KIT_SIM_ROOT", {root!r})
tool, program = sys.argv[1:3]
# A shell gives a script its whole path; the vendor's program says what was typed.
name = os.path.basename(program)
if shutil.which(name) == program:
    program = name
from simulated.__main__ import main
from simulated.machine import run
run(lambda: main([tool + "@" + program, *sys.argv[3:]]))
"""
PROGRAM = """#!/bin/sh
# SIMULATED: stand-in for {tool}
exec "{python}" "{home}" {tool} "$0" "$@"
"""
AIS = """\"\"\"SIMULATED: {name}, a stand-in.\"\"\"
import os, sys
sys.path.insert(0, {home!r})
os.environ.setdefault("KIT_SIM_ROOT", {root!r})
from simulated.ais_bench import main
from simulated.machine import run
run(lambda: main({name!r}, sys.argv[1:]))
"""
TENSORRT = """\"\"\"SIMULATED: a stand-in for TensorRT's Python API.\"\"\"
import os, sys
sys.path.append({home!r})
os.environ.setdefault("KIT_SIM_ROOT", {root!r})
from simulated.tensorrt_api import *
from simulated.tensorrt_api import __version__
"""
# The vendor's atc is a script around atc.bin that finds its package from its own, resolved path.
ATC = """#!/bin/bash
# SIMULATED: stand-in for the converter's wrapper
self="$(readlink -f "$0")"
PKG_PATH="$(cd "$(dirname "$self")/.." && pwd)"
export LD_LIBRARY_PATH="${PKG_PATH}/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PYTHONPATH="${PKG_PATH}/python/site-packages${PYTHONPATH:+:$PYTHONPATH}"
"${PKG_PATH}/bin/atc.bin" "$@"
"""
SET_ENV = """# SIMULATED: stand-in for the toolkit's set_env.sh
export ASCEND_TOOLKIT_HOME={latest}
export LD_LIBRARY_PATH={driver}/lib64:{driver}/lib64/common:{driver}/lib64/driver:{latest}/lib64:\
{latest}/lib64/plugin/opskernel:{latest}/lib64/plugin/nnengine:$LD_LIBRARY_PATH
export PYTHONPATH={latest}/python/site-packages:{latest}/opp/op_impl/built-in/ai_core/tbe:$PYTHONPATH
export PATH={latest}/bin:{latest}/compiler/ccec_compiler/bin:$PATH
export ASCEND_AICPU_PATH={latest} ASCEND_OPP_PATH={latest}/opp TOOLCHAIN_HOME={latest}/toolkit ASCEND_HOME_PATH={latest}
"""


class Installer:
    """Writes below one root."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.root = Path(args.root).resolve()
        self.home = self.root / HOME

    def write(self, path: str, data: str, *, mode: int = 0o644) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # never through a link, never into a program that runs
        target.write_text(data, encoding="utf-8")
        target.chmod(mode)

    def link(self, path: str, to: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        if not target.exists():
            target.symlink_to(to)

    def program(self, path: str, tool: str) -> None:
        self.write(path, PROGRAM.format(python=sys.executable, home=self.home, tool=tool), mode=0o755)

    def module(self, path: Path, text: str, **more: str) -> None:
        """A Python module that starts from the installed stand-ins."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(home=str(self.home), root=str(self.root), **more), encoding="utf-8")

    def package(self) -> None:
        """The stand-ins themselves and the configuration of the machine."""
        source, target = Path(__file__).resolve().parent, self.home / "simulated"
        if source != target:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
        self.write(f"{HOME}/__main__.py", ENTRY.format(root=str(self.root)))
        config = {name: getattr(self.args, name) for name in ("chip", "devices", "toolkit", "tensorrt")}
        self.write("etc/kit-simulated.json", json.dumps(config, indent=2, sort_keys=True) + "\n")

    def site(self) -> Path:
        """Where Python imports from: this Python's own folder for a real root, or one below another root."""
        if self.root == Path("/"):
            return Path(sysconfig.get_path("purelib"))
        return self.root / "site-packages"

    def ascend(self) -> None:
        toolkit, machine = self.args.toolkit, platform.machine()
        top = f"{ASCEND}/ascend-toolkit"
        version = f"{ASCEND}/cann-{toolkit}" if version_of(toolkit) >= (8, 5, 0) else f"{top}/{toolkit}"
        self.link(f"{top}/latest", os.path.relpath(self.root / version, self.root / top))
        self.write(f"{version}/bin/atc", ATC, mode=0o755)
        self.program(f"{version}/bin/atc.bin", "atc")
        # Paths of 5.0 and before that scripts still name.
        for old in ("atc", "acllib"):
            for part in ("bin", "lib64", "python"):
                self.link(f"{version}/{old}/{part}", f"../{part}")
        for library in ("lib64/libascendcl.so", f"{machine}-linux/devlib/libascend_hal.so"):
            self.write(f"{version}/{library}", "SIMULATED\n", mode=0o755)
        self.write(
            f"{version}/{machine}-linux/ascend_toolkit_install.info",
            f"package_name=Ascend-cann-toolkit\nversion={toolkit}\narch={machine}\nos=linux\npath=/{version}\n",
        )
        self.write(f"{version}/version.cfg", f"# version: 1.0\ntoolkit_running_version=[0.0.0.0.0:{toolkit}]\n")
        self.write(f"{version}/SIMULATED", "stand-ins, not the vendor's toolkit\n")
        (self.root / version / "opp").mkdir(parents=True, exist_ok=True)
        latest, driver = self.root / f"{top}/latest", self.root / ASCEND / "driver"
        self.write(f"{top}/set_env.sh", SET_ENV.format(latest=latest, driver=driver))
        self.program("usr/local/bin/npu-smi", "npu-smi")
        self.program(f"usr/local/bin/benchmark.{machine}", "benchmark")
        for place in {self.root / version / "python/site-packages", self.site()}:
            self.module(place / "ais_bench/__init__.py", '"""SIMULATED: stand-in for ais_bench."""\n')
            self.module(place / "ais_bench/__main__.py", AIS, name="ais_bench")
        self.module(self.root / version / "tools/ais_infer/ais_infer.py", AIS, name="ais_infer.py")
        # The vendor's images have a python3.7 under that name, and scripts call it; here it is this Python.
        for name in ("usr/local/python3.7.5/bin/python3.7", "usr/local/bin/python3.7"):
            if not (self.root / name).exists():
                self.write(name, f'#!/bin/sh\n# SIMULATED\nexec "{sys.executable}" "$@"\n', mode=0o755)
        self.driver()

    def driver(self) -> None:
        """What the host's driver would have mounted; the chip decides the version."""
        number = "21.0.4" if self.args.chip == "310" else "22.0.0"
        self.write(f"{ASCEND}/driver/version.info", f"Version={number}\nrequired_firmware_firmware_version=1.0\n")
        for library in (f"{ASCEND}/driver/lib64/libascend_hal.so", "usr/local/dcmi/libdcmi.so"):
            self.write(library, "SIMULATED\n", mode=0o755)
        info = "Driver_Install_Type=run\nDriver_Install_Path_Param=/usr/local/Ascend\nDriver_Install_For_All=no\n"
        self.write("etc/ascend_install.info", f"UserName=HwHiAiUser\nUserGroup=HwHiAiUser\n{info}")

    def tensorrt(self) -> None:
        self.program("workspace/tensorrt/bin/trtexec", "trtexec")
        for path in ("opt/tensorrt/bin/trtexec", "usr/src/tensorrt/bin/trtexec"):
            self.link(path, os.path.relpath(self.root / "workspace/tensorrt/bin/trtexec", (self.root / path).parent))
        self.program("usr/bin/nvidia-smi", "nvidia-smi")
        self.module(self.site() / "tensorrt.py", TENSORRT)


def install(argv: list[str]) -> Path:
    """Install as the command line says; the root."""
    parser = argparse.ArgumentParser(prog="simulated.install", description=__doc__)
    parser.add_argument("--root", default="/", help="where the vendor's paths begin (default /)")
    parser.add_argument(
        "--tools", action="append", choices=["ascend", "tensorrt"], help="default: both; may be repeated"
    )
    parser.add_argument("--chip", default="310", help="Name column of npu-smi: 310, 310P3, 710, ...")
    parser.add_argument("--devices", type=int, default=4, help="chips or GPUs of the virtual machine (default 4)")
    parser.add_argument("--toolkit", default="5.1.RC1", help="CANN version")
    parser.add_argument("--tensorrt", default="7.2.3.4", help="TensorRT version: 7.2, 8.6, 10 or 11")
    installer = Installer(parser.parse_args(argv))
    installer.package()
    tools = installer.args.tools or ("ascend", "tensorrt")
    if "ascend" in tools:
        installer.ascend()
    if "tensorrt" in tools:
        installer.tensorrt()
    return installer.root


def main(program: str, argv: list[str]) -> int:
    """Install; 0."""
    del program
    print(f"[SIMULATED] stand-ins installed below {install(argv)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main("install", sys.argv[1:]))
