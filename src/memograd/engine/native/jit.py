"""From the text of a module to functions that can be called, by way of the code cache."""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from typing import Any

from blake3 import blake3

from memograd.caches import user_cache
from memograd.engine.native.cache import CodeCache
from memograd.engine.native.machine import Machine
from memograd.errors import EngineUnavailable

# LLVM's context is one for all of llvmlite, and not made for threads.
_lock = threading.Lock()


class Code:
    """Compiled code; lives as long as this object.

    Parameters
    ----------
    source : str
        LLVM's textual IR.
    machine : Machine
    """

    def __init__(self, source: str, machine: Machine) -> None:
        self.source = source
        cache = code_cache()
        with _lock:
            llvm = _llvm()
            key = _key(source, machine)
            compiled = cache.get(key) if cache is not None else None
            self.was_cached = compiled is not None
            if compiled is None:
                compiled = _compile(source, machine)
                if cache is not None:
                    cache.put(key, compiled)
            target = _target(machine)
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(compiled))
            self._engine.finalize_object()

    def function(self, name: str, result: Any, *parameters: Any) -> Any:
        """An exported function, with ctypes' types. The interpreter's lock is released while it runs."""
        address = self._engine.get_function_address(name)
        function = ctypes.CFUNCTYPE(result, *parameters)(address)
        function.code = self  # type: ignore[attr-defined]
        return function


def _compile(source: str, machine: Machine) -> bytes:
    llvm = _llvm()
    module = llvm.parse_assembly(source)
    module.verify()
    # No passes over the IR: the generator writes what it means, and they gained nothing for half of the time.
    code: bytes = _target(machine).emit_object(module)
    return code


@lru_cache(1)
def _llvm() -> Any:
    try:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    except Exception as error:
        raise EngineUnavailable(f"llvmlite cannot be used here ({error})") from error
    return llvm


def _target(machine: Machine) -> Any:
    llvm = _llvm()
    found = llvm.Target.from_default_triple()
    return found.create_target_machine(cpu=machine.cpu, features=machine.features, opt=2, codemodel="jitdefault")


def _key(source: str, machine: Machine) -> str:
    import llvmlite

    parts = (source, llvmlite.__version__, str(_llvm().llvm_version_info), machine.cpu, machine.features)
    hasher = blake3()
    for part in parts:
        data = part.encode()
        hasher.update(len(data).to_bytes(8, "little") + data)
    return hasher.hexdigest()


@lru_cache(1)
def code_cache() -> CodeCache | None:
    """The user's code cache; None where the user has no home."""
    try:
        return CodeCache(user_cache("code"))
    except RuntimeError:
        return None
