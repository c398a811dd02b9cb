"""Real ELF programs for x86_64 and aarch64 without a compiler: they start the Python stand-in, and nothing else.

The vendor's tools are ELF programs, and people meet that: a program of the other architecture ends with ``cannot
execute binary file: Exec format error``, ``file`` names the machine, ``argv[0]`` is what was typed. A script would show
none of it. The program calls ``execve(python, [python, folder, tool, argv[0], argv[1], ...], envp)``; the three new
words are put in front of argv on the stack, where the kernel left argc.
"""

from __future__ import annotations

import struct

__all__ = ["MACHINES", "launcher", "library"]

#: e_machine by architecture, as ``uname -m`` names it.
MACHINES = {"x86_64": 62, "aarch64": 183}
BASE = 0x400000
HEADERS = 64 + 2 * 56  # ELF header and two program headers


def header(machine: str, kind: int, size: int) -> bytes:
    """ELF header, one loadable and executable segment that is the whole file, and a stack that is not executable."""
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    base = BASE if kind == 2 else 0
    entry = base + HEADERS if kind == 2 else 0
    top = struct.pack("<HHIQQQIHHHHHH", kind, MACHINES[machine], 1, entry, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    stack = struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)  # PT_GNU_STACK, read and write
    return ident + top + segment + stack


def x86_64(offsets: list[int]) -> bytes:
    """``offsets``: places of python, folder and tool in the file."""
    code = bytearray()

    def put(text: str) -> None:
        code.extend(bytes.fromhex(text))

    def lea(opcode: str, target: int) -> None:
        put(opcode)
        # rip points behind these four bytes
        code.extend(struct.pack("<i", target - (HEADERS + len(code) + 4)))

    python, folder, tool = offsets
    put("488b0424")  # mov rax, [rsp]            argc
    put("488d54c410")  # lea rdx, [rsp+rax*8+16]   envp
    lea("488d1d", tool)  # lea rbx, [rip+tool]
    put("48891c24")  # mov [rsp], rbx            over argc
    lea("488d1d", folder)  # lea rbx, [rip+folder]
    put("53")  # push rbx
    lea("488d3d", python)  # lea rdi, [rip+python]
    put("57")  # push rdi
    put("4889e6")  # mov rsi, rsp              argv
    put("b83b000000")  # mov eax, 59               execve
    put("0f05")  # syscall
    put("bf7f000000")  # mov edi, 127
    put("b83c000000")  # mov eax, 60               exit
    put("0f05")
    return bytes(code)


def aarch64(offsets: list[int]) -> bytes:
    words: list[int] = []

    def adr(register: int, target: int) -> None:
        distance = target - (HEADERS + 4 * len(words))
        words.append(0x10000000 | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5 | register)

    python, folder, tool = offsets
    words.append(0xF94003E0)  # ldr x0, [sp]            argc
    words.append(0x910043E2)  # add x2, sp, #16
    words.append(0x8B000C42)  # add x2, x2, x0, lsl #3  envp
    words.append(0x910003E9)  # mov x9, sp              sp itself must stay a multiple of 16
    adr(5, tool)
    words.append(0xF9000125)  # str x5, [x9]            over argc
    adr(4, folder)
    adr(0, python)
    words.append(0xA9BF1120)  # stp x0, x4, [x9, #-16]!
    words.append(0xAA0903E1)  # mov x1, x9              argv
    words.append(0xD2801BA8)  # mov x8, #221            execve
    words.append(0xD4000001)  # svc #0
    words.append(0xD2800FE0)  # mov x0, #127
    words.append(0xD2800BA8)  # mov x8, #93             exit
    words.append(0xD4000001)
    return struct.pack(f"<{len(words)}I", *words)


def launcher(machine: str, python: str, folder: str, tool: str) -> bytes:
    """A program for ``machine`` that runs ``python folder tool argv[0] argv[1] ...``."""
    build = {"x86_64": x86_64, "aarch64": aarch64}[machine]
    strings = [text.encode() + b"\0" for text in (python, folder, tool)]
    start = HEADERS + len(build([0, 0, 0]))
    offsets = [start + sum(map(len, strings[:place])) for place in range(3)]
    body = build(offsets) + b"".join(strings)
    return header(machine, 2, HEADERS + len(body)) + body


def library(machine: str) -> bytes:
    """An empty shared object: enough to be found and to name its machine."""
    return header(machine, 3, HEADERS)
