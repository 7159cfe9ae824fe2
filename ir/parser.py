"""Text to functions, the inverse of `ir.printer`. Errors name the line, the column and the text.

A recursive descent over one regular expression of tokens; `parse_function` is the entry. It checks
the form only, `ir.verifier` the meaning.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.primitive import Primitive
from tapejit.ir.table import TABLE
from tapejit.ir.types import NUMPY_NAME, TensorType

_SKIP = re.compile(r"(?:\s|#[^\n]*)*")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<function>@[^\s(]+)
      | (?P<value>%\w+)
      | (?P<complex>-?(?:\d[\d.]*(?:e[+-]?\d+)?|inf|nan)[+-](?:\d[\d.]*(?:e[+-]?\d+)?|inf|nan)j(?![\w.]))
      | (?P<number>-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf|nan)(?![\w.]))
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<mark>->|[-=:,(){}\[\]])
    """,
    re.VERBOSE | re.ASCII,
)
_CONSTANTS = {"True": True, "False": False, "None": None}
_PLACE = re.compile(r"%(?:a?\d+)$")  # a name that the printer made up


def parse_function(text: str) -> Function:
    """The function that `text` holds; IRError with line and column where it is not one."""
    parser = _Parser(text)
    function = parser.function("func")
    if parser.text:
        parser.fail("expected the end of the text")
    return function


class _Parser:
    """A position in the text, always at a token."""

    def __init__(self, source: str):
        self.source, self.at = source, 0
        self.kind, self.text = "", ""
        self.advance()

    def advance(self) -> str:
        """Step over the token; its text."""
        passed = self.text
        skipped = _SKIP.match(self.source, self.at + len(passed))
        self.at = skipped.end() if skipped else len(self.source)
        found = _TOKEN.match(self.source, self.at)
        self.kind, self.text = (found.lastgroup or "", found.group()) if found else ("", "")
        if not found and self.at < len(self.source):
            self.fail("cannot read this")
        return passed

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Complain about the token that comes next, or about what stands at `at`."""
        at = self.at if at is None else at
        line = self.source.count("\n", 0, at) + 1
        start = self.source.rfind("\n", 0, at) + 1
        rest = self.source[at:].partition("\n")[0]
        raise IRError(f"line {line}, column {at - start + 1}: {message}: '{rest}'")

    def take(self, text: str) -> bool:
        """Step over the mark or word `text` if it comes next."""
        if self.text != text:
            return False
        self.advance()
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            self.fail(f"expected '{text}'")

    def token(self, kind: str, what: str) -> str:
        if self.kind != kind:
            self.fail(f"expected {what}")
        return self.advance()

    # -- Grammar, top down -----------------------------------------------------------------------

    def function(self, keyword: str) -> Function:
        self.expect(keyword)
        title = self.token("function", "a name such as @f")[1:]
        env: dict[str, Value] = {}
        self.expect("(")
        while not self.take(")"):
            at, name = self.at, self.token("value", "a parameter such as %x")
            self.expect(":")
            self.define(env, at, name, self.type())
            if self.text != ")":
                self.expect(",")
        function = Function(title, tuple(env.values()))
        stated = self.result_types()
        self.expect("{")
        while self.text != "return":
            function.body.append(self.instr(env))
        function.results = self.results(env, stated)
        return function

    def result_types(self) -> list[TensorType]:
        self.expect("->")
        self.expect("(")
        types = [] if self.text == ")" else self.types()
        self.expect(")")
        return types

    def results(self, env: dict[str, Value], stated: list[TensorType]) -> tuple[Value, ...]:
        at = self.at
        self.expect("return")
        results = self.operands(env)
        if [v.type for v in results] != stated:
            found = ", ".join(str(v.type) for v in results)
            wanted = ", ".join(map(str, stated))
            self.fail(f"the results have types ({found}), the header says ({wanted})", at)
        self.expect("}")
        return results

    def instr(self, env: dict[str, Value]) -> Instr:
        names = [(self.at, self.token("value", "an instruction or 'return'"))]
        while self.take(","):
            names.append((self.at, self.token("value", "a result such as %0")))
        self.expect("=")
        primitive = self.primitive()
        operands, attrs = self.operands(env), self.attrs()
        self.expect(":")
        types = self.types()
        if len(types) != len(names):
            self.fail(f"{len(names)} results, but {len(types)} types", names[0][0])
        results = tuple(self.define(env, at, n, t) for (at, n), t in zip(names, types, strict=True))
        regions = []
        while self.text == "region":
            regions.append(self.function("region"))
        return Instr(primitive, operands, attrs, results, tuple(regions))

    def primitive(self) -> Primitive:
        if self.kind == "word" and self.text not in TABLE:
            self.fail("unknown primitive")
        return TABLE[self.token("word", "a primitive")]

    def define(self, env: dict[str, Value], at: int, name: str, type_: TensorType) -> Value:
        if name in env:
            self.fail(f"{name} is already defined", at)
        env[name] = Value(type_, None if _PLACE.match(name) else name[1:])
        return env[name]

    def operands(self, env: dict[str, Value]) -> tuple[Value, ...]:
        found: list[Value] = []
        while self.kind == "value" or (found and self.take(",")):
            if self.text not in env:
                known = self.kind == "value"
                self.fail(f"{self.text} is not defined" if known else "expected an operand such as %x")
            found.append(env[self.advance()])
        return tuple(found)

    def types(self) -> list[TensorType]:
        found = [self.type()]
        while self.take(","):
            found.append(self.type())
        return found

    def type(self) -> TensorType:
        if self.text not in NUMPY_NAME:
            self.fail("expected a type such as f64[3]")
        dtype = self.advance()
        at = self.at
        if self.text != "[":
            self.fail("expected '['")
        shape = self.attr()
        if not all(type(n) is int and n >= 0 for n in shape):
            self.fail(f"{list(shape)} is not a shape", at)
        return TensorType(dtype, shape)

    def attrs(self) -> dict[str, Any]:
        attrs: dict[str, Any] = {}
        if not self.take("{"):
            return attrs
        while not self.take("}"):
            name = self.token("word", "the name of an attribute")
            self.expect("=")
            attrs[name] = self.attr()
            if self.text != "}":
                self.expect(",")
        return attrs

    def attr(self) -> Any:
        if self.take("["):
            items = []
            while not self.take("]"):
                items.append(self.attr())
                if self.text != "]":
                    self.expect(",")
            return tuple(items)
        if self.kind == "number":
            text = self.advance()
            return int(text) if text.lstrip("-").isdigit() else float(text)
        if self.kind == "complex":
            return complex(self.advance())
        if self.kind == "string":
            return json.loads(self.advance())
        word = self.token("word", "the value of an attribute")
        return _CONSTANTS.get(word, word)
