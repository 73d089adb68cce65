#!/usr/bin/env python3
"""Compiles kernels.cu to kernels.ptx by NVRTC, and checks it for cards of other generations.

    python3 -m venv VENV && VENV/bin/pip install nvidia-cuda-nvrtc-cu11==11.8.89
    VENV/bin/python src/device/cuda/ptx.py            # writes kernels.ptx
    VENV/bin/python src/device/cuda/ptx.py --check    # compiles again, must give the committed bytes

With a newer compiler (nvidia-cuda-nvrtc-cu12, -cu13) `--check` compiles for every architecture from sm_70 on that this
compiler knows, without comparing bytes. With the wheel nvidia-cuda-nvcc-cu11 or -cu12 beside it, which has ptxas,
`--check` also assembles the committed kernels.ptx, as a driver would, and prints registers, shared memory and spills.

The release 11.8 is taken on purpose: its PTX (ISA 7.8) is read by every driver from 520 on, and compute_70 by every
card since Volta.
"""

import ctypes
import glob
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
RELEASE = (11, 8)
OPTIONS = ["--gpu-architecture=compute_70", "--std=c++14", "--fmad=true"]
OLDEST = 70


def installed(pattern):
    """The first file of that name in a wheel of this Python's environment."""
    for place in sys.path:
        found = sorted(glob.glob(f"{place}/nvidia/{pattern}"))
        if found:
            return found[0]
    return None


class Compiler:
    """NVRTC, through its C interface."""

    def __init__(self):
        path = installed("*/lib/libnvrtc.so.*") or installed("cu13/lib/libnvrtc.so.*")
        if path is None:
            sys.exit("ptx.py: no NVRTC here; pip install nvidia-cuda-nvrtc-cu11==11.8.89")
        self.library = ctypes.CDLL(path)
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.release = (major.value, minor.value)

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code != 0:
            raise RuntimeError(f"{name} answers {code}")

    def text(self, program, kind):
        size = ctypes.c_size_t()
        self.call(f"nvrtcGet{kind}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self.call(f"nvrtcGet{kind}", program, text)
        return text.value.decode()

    def architectures(self):
        count = ctypes.c_int()
        self.call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
        found = (ctypes.c_int * count.value)()
        self.call("nvrtcGetSupportedArchs", found)
        return [a for a in found if a >= OLDEST]

    def compile(self, source, options):
        program = ctypes.c_void_p()
        self.call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None)
        words = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
        try:
            self.call("nvrtcCompileProgram", program, len(options), words)
        except RuntimeError:
            sys.exit("ptx.py: kernels.cu does not compile:\n" + self.text(program, "ProgramLog"))
        log = self.text(program, "ProgramLog").strip()
        if log:
            print(log, file=sys.stderr)
        return self.text(program, "PTX")


def made(compiler, source):
    """The text of kernels.ptx: where it comes from, and what the compiler gave."""
    digest = hashlib.sha256(source.encode()).hexdigest()
    body = compiler.compile(source, OPTIONS)
    body_digest = hashlib.sha256(body.encode()).hexdigest()
    return "\n".join([
        "// Made from kernels.cu by ptx.py: NVRTC %d.%d, %s." % (*compiler.release, " ".join(OPTIONS)),
        f"// source sha256 {digest}",
        f"// body sha256 {body_digest}",
        body,
    ])


def assemble(ptx, architecture):
    """What ptxas says of each kernel, or None where there is no ptxas."""
    ptxas = installed("cuda_nvcc/bin/ptxas")
    if ptxas is None:
        return None
    pathlib.Path(ptxas).chmod(0o755)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kernels.ptx")
        path.write_text(ptx)
        command = [ptxas, "-v", f"-arch=sm_{architecture}", "-o", f"{folder}/kernels.cubin", str(path)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"ptx.py: ptxas refuses sm_{architecture}:\n{run.stderr}")
    report, name = [], None
    for line in run.stderr.splitlines():
        name = (re.search(r"Function properties for (\w+)", line) or [None, name])[1]
        spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line)
        if spills:
            report.append([name, f"spills {spills[1]} + {spills[2]} bytes"])
        used = re.search(r"Used (\d+) registers", line)
        if used and report:
            shared = re.search(r"(\d+) bytes smem", line)
            report[-1].append(f"{used[1]} registers, {shared[1] if shared else 0} bytes of shared memory")
    return report


def check(compiler, source):
    committed = (HERE / "kernels.ptx").read_text()
    if compiler.release == RELEASE:
        if made(compiler, source) != committed:
            sys.exit("ptx.py: kernels.ptx is not what kernels.cu gives; run ptx.py and commit both")
        print("kernels.ptx is what NVRTC %d.%d makes of kernels.cu" % RELEASE)
    for architecture in compiler.architectures():
        compiler.compile(source, [f"--gpu-architecture=compute_{architecture}", *OPTIONS[1:]])
        print(f"compute_{architecture}: compiled by NVRTC {compiler.release[0]}.{compiler.release[1]}")
        for kernel, *words in assemble(committed, architecture) or []:
            print(f"    sm_{architecture} {kernel}: {', '.join(words)}")


def main():
    source = (HERE / "kernels.cu").read_text()
    compiler = Compiler()
    if sys.argv[1:] == ["--check"]:
        check(compiler, source)
    elif sys.argv[1:]:
        sys.exit(__doc__)
    elif compiler.release != RELEASE:
        sys.exit("ptx.py: NVRTC %d.%d found, %d.%d wanted" % (*compiler.release, *RELEASE))
    else:
        (HERE / "kernels.ptx").write_text(made(compiler, source))


if __name__ == "__main__":
    main()
