"""The rules of `docs/architecture.md` and DESIGN sections 3 and 7, kept by this test.

Each rule is a function from a parsed module to the sentences it breaks the rule by; each is tried here on a source
that breaks it. Exceptions are named below with their reason, and a test fails when one is no longer needed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import oreline
from oreline import registry
from oreline.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "oreline"

RANKS = [
    {"errors"}, {"atomic", "memory", "words", "dialogue", "values"}, {"types", "plugs", "outputs"}, {"registry", "store", "generation"}, {"report"}, {"recipe", "catalog", "metrics", "rejectors"},
    {"data", "tasks", "models"}, {"objectives"}, {"runtime"}, {"train", "evaluate", "explain"},
    {"compress", "monitor"}, {"update", "serve"}, {"engines"}, {"api"}, {"cli"}, {"__init__", "__main__"},
]  # fmt: skip
RANK = {name: number for number, names in enumerate(RANKS) for name in names}
DATA_RANKS = [
    {"fold", "columnar", "doubted", "external"}, {"dataset", "ledger"}, {"texts", "forms"}, {"input", "targets"}, {"sources"},
    {"quality", "duplicates", "profile"}, {"split", "pii"}, {"labels", "reporting"}, {"augment"},
    {"running", "readers", "operators"},
    {"refine", "calibrate"}, {"leave_out"},
]  # fmt: skip
RANK |= {f"data.{name}": number for number, names in enumerate(DATA_RANKS) for name in names}

TORCH = {"torch", "transformers", "peft"}
TORCH_PLACES = ("models.", "objectives.", "train.", "compress.", "update.", "runtime.torch")
HEAVY = TORCH | {"polars", "pyarrow", "matplotlib", "sklearn", "scipy", "pandas", "onnxruntime", "jieba", "fastapi"}
LIGHT = {
    ("errors", "values", "types", "outputs", "registry", "store", "recipe", "api", "cli", "__init__"): HEAVY,
    ("runtime.open", "runtime.batching", "runtime.stream", "runtime.onnx", "runtime.linear", "serve"): TORCH
    | {"polars", "pyarrow", "sklearn", "matplotlib", "pandas"},
}
"""What must not be imported, directly or through others, when these modules are."""

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 400, 60, 8
FORBIDDEN_NAMES = ("utils", "util", "helpers", "helper", "misc", "manager")
VERBS = {
    "refine", "pretrain", "finetune", "multitask", "evaluate", "predict", "explain", "compress", "serve", "monitor",
    "update",
}  # fmt: skip
"""Functions that may take more parameters; so may what `api` and `cli` offer, and the constructors of plugs."""

CALLS_AT_IMPORT = {
    "frozenset", "dict", "tuple", "set", "list", "sorted", "range", "len", "zip", "str", "bytes", "int", "float", "ord",
    "chr", "min", "max", "abs", "join", "split", "items", "keys", "values", "maketrans", "lower", "encode", "fromkeys",
    "get_args", "compile", "field", "dataclass", "lru_cache", "wraps", "field_validator", "model_validator",
    "field_serializer", "resolve", "absolute", "with_name", "joinpath", "inv_cdf", "log", "sqrt", "zeros", "array",
    "finfo", "iinfo", "no_grad", "inference_mode", "schema", "string", "float64", "getLogger", "command", "callback",
    "contextmanager", "asynccontextmanager", "exception_handler", "middleware", "get", "post",
}  # fmt: skip
"""What a module may call while it is imported, besides constructors of values (`Package(...)`): cheap and pure."""
CONSTRUCTORS_WITH_WORK = {"FastAPI", "Tokenizer", "InferenceSession", "Thread", "ThreadPoolExecutor", "Artifact"}

# --- exceptions: each with its reason; these lists may only shrink ----------------------------------------------

UPWARD_FOR_TYPES = {
    ("types", "oreline.store"): "Runtime has an artifact; the name is needed by type checkers only",
}
CALLED_AT_IMPORT: dict[tuple[str, str], str] = {}
TOO_LARGE: dict[tuple[str, str], str] = {}
UNTESTED_MODULES: dict[str, str] = {}
UNTESTED_KINDS: dict[str, str] = {
    "runtime": "tests/runtime compares the runtimes with one another",
}


@dataclass(frozen=True)
class Module:
    """One parsed source file; `name` is dotted, without the leading `oreline`."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parse(self.text)[0]

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its tree, from the outermost inwards."""
        return _parse(self.text)[1]

    @property
    def package(self) -> str:
        """Its package, or itself at the top level."""
        return self.name.split(".")[0]


@cache
def _parse(text: str) -> tuple[ast.Module, tuple[ast.AST, ...]]:
    """Return a tree and all its nodes, each of which knows its parent: every rule goes through them."""
    tree = ast.parse(text)
    nodes: list[ast.AST] = [tree]
    for parent in nodes:  # the list grows as it is walked
        for child in ast.iter_child_nodes(parent):
            child.parent = parent  # type: ignore[attr-defined]
            nodes.append(child)
    return tree, tuple(nodes)


def load(file: Path) -> Module:
    """Read a source file."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    return Module(name, file.read_text(encoding="utf-8"))


MODULES = {module.name: module for module in map(load, sorted(SOURCE.rglob("*.py")))}
PLUGS = {
    f"{kind.package}.{name}": (kind_name, kind.attribute)
    for kind_name, kind in registry.KINDS.items()
    for name in registry.names(kind_name)
    if f"{kind.package}.{name}" in MODULES
}


# --- reading imports --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported module, dotted; `lazy` inside a function, `typing_only` under TYPE_CHECKING."""

    target: str
    line: int
    lazy: bool
    typing_only: bool


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Return every import of a module, wherever it stands."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    for node in module.nodes:
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from oreline.data import fold` imports the module oreline.data.fold.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [name if name.removeprefix("oreline.") in MODULES else node.module for name in names]
        else:
            continue
        above = list(_ancestors(node))
        lazy = any(isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) for parent in above)
        typing_only = any(isinstance(p, ast.If) and "TYPE_CHECKING" in ast.unparse(p.test) for p in above)
        yield from (Import(target, node.lineno, lazy, typing_only) for target in dict.fromkeys(targets))


def own(target: str) -> str:
    """Return the dotted name without `oreline`, or nothing for a foreign module."""
    return target.removeprefix("oreline.") if target.startswith("oreline.") else ""


def _ancestors(node: ast.AST) -> Iterator[ast.AST]:
    while node := getattr(node, "parent", None):  # type: ignore[assignment]
        yield node


# --- rules ------------------------------------------------------------------------------------------------------


def breaks_ranks(module: Module) -> list[str]:
    """Imports point down the list; packages of one rank do not import each other."""
    found = []
    for depth in (1, 2) if module.name.startswith("data.") else (1,):
        package = _package(module.name, depth)
        if package not in RANK:
            return [f"the package {package!r} has no rank: add it to docs/architecture.md and here"]
        for entry in imports(module):
            target = _package(own(entry.target), depth)
            if target in {"", package} or (entry.typing_only and excused_for_types(module, entry)):
                continue
            inside = depth == 1 or target.startswith("data.")
            if inside and RANK.get(target, 99) >= RANK[package]:
                found.append(f"line {entry.line}: {package} may not import {entry.target}")
    return found


def _package(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])


def excused_for_types(module: Module, entry: Import) -> bool:
    """Whether an upward import for type checkers is a named exception."""
    return (module.name, entry.target) in UPWARD_FOR_TYPES


def imports_a_sibling_plug(module: Module) -> list[str]:
    """One plug does not import another of its kind."""
    kind = PLUGS.get(module.name)
    return [
        f"line {entry.line}: the {kind[0]} imports the {kind[0]} {entry.target}"
        for entry in imports(module)
        if kind and own(entry.target) != module.name and PLUGS.get(own(entry.target), ("",))[0] == kind[0]
    ]


def imports_torch(module: Module) -> list[str]:
    """torch, transformers and peft are imported in few packages."""
    if module.name.startswith(TORCH_PLACES):
        return []
    return [
        f"line {entry.line}: imports {entry.target}" for entry in imports(module) if entry.target.split(".")[0] in TORCH
    ]


def imports_by_name(module: Module) -> list[str]:
    """Modules are imported by computed names in registry, api and cli only."""
    if module.package in {"registry", "api", "cli", "__init__"}:
        return []
    return [
        f"line {node.lineno}: {_dotted(node.func)}()"
        for node in module.nodes
        if isinstance(node, ast.Call)
        and _dotted(node.func).split(".")[-1] in {"__import__", "import_module"}
        and not isinstance(node.args[0], ast.Constant)
    ]


def imports_relatively(module: Module) -> list[str]:
    """No relative imports."""
    return [
        f"line {node.lineno}: a relative import"
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def has_forbidden_names(module: Module) -> list[str]:
    """Nothing is called utils, helpers or Manager: such names say nothing."""
    named = [(1, part) for part in module.name.split(".")]
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    named += [(node.lineno, node.name) for node in module.nodes if isinstance(node, definitions)]
    return [f"line {line}: the name {name!r}" for line, name in named if name.lower().endswith(FORBIDDEN_NAMES)]


def is_too_large(module: Module) -> list[str]:
    """A file has at most 400 lines, a function 60 of code and 8 parameters."""
    return [sentence for sentence in sizes_over(module) if (module.name, sentence.split(":")[0]) not in TOO_LARGE]


def sizes_over(module: Module) -> list[str]:
    """Return what is too large, exceptions included."""
    num_lines = module.text.count("\n")
    found = [f"{num_lines} lines, more than {MAX_FILE_LINES}"] if num_lines > MAX_FILE_LINES else []
    for node in module.nodes:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if (lines := code_lines(node)) > MAX_FUNCTION_LINES:
            found.append(f"{node.name}: {lines} lines of code, more than {MAX_FUNCTION_LINES}")
        if (count := num_parameters(node)) > MAX_PARAMETERS and not may_take_many(module, node):
            found.append(f"{node.name}: {count} parameters, more than {MAX_PARAMETERS}")
    return found


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines without its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def num_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of named parameters, without self and cls."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in arguments)


def may_take_many(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Verbs, what api and cli offer, and constructors of plugs may take more parameters."""
    parent = getattr(node, "parent", None)
    if isinstance(parent, ast.ClassDef):
        return node.name == "__init__" and parent.name == PLUGS.get(module.name, ("", ""))[1]
    return node.name in VERBS or (module.package in {"api", "cli"} and not node.name.startswith("_"))


def prints(module: Module) -> list[str]:
    """Only the command line prints."""
    return [] if module.package == "cli" else [f"line {line}: print()" for line in _called(module, "print")]


def asserts(module: Module) -> list[str]:
    """User input is checked by errors that say what to do, not by assert."""
    return [f"line {node.lineno}: assert" for node in module.nodes if isinstance(node, ast.Assert)]


def works_at_import(module: Module) -> list[str]:
    """A module declares things when it is imported; it does nothing."""
    found = []
    for node in _executed_at_import(module.tree):
        if isinstance(node, (ast.For, ast.While, ast.With)):
            found.append(f"line {node.lineno}: a {type(node).__name__.lower()} statement at module level")
        elif isinstance(node, ast.Call) and not _is_declaration(module, node):
            found.append(f"line {node.lineno}: calls {_dotted(node.func)}() while it is imported")
    return found


def _executed_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "__main__" in ast.unparse(child.test):
            continue
        yield child
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            signature = [*child.args.defaults, *filter(None, child.args.kw_defaults)]
            for part in [*signature, *getattr(child, "decorator_list", [])]:
                yield part
                yield from _executed_at_import(part)
        else:
            yield from _executed_at_import(child)


def _is_declaration(module: Module, node: ast.Call) -> bool:
    name = _dotted(node.func)
    last = name.split(".")[-1]
    constructs = last[:1].isupper() and last not in CONSTRUCTORS_WITH_WORK
    return constructs or last in CALLS_AT_IMPORT or (module.name, name) in CALLED_AT_IMPORT


def lacks_docstrings(module: Module) -> list[str]:
    """Every module, and every public class, function and method at its top, says what it is."""
    found = [] if ast.get_docstring(module.tree) else ["the module has no docstring"]
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in module.tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else []
        public = [e for e in (node, *inner) if isinstance(e, definitions) and not e.name.startswith("_")]
        found += [f"line {e.lineno}: {e.name} has no docstring" for e in public if not ast.get_docstring(e)]
    return found


def _called(module: Module, name: str) -> list[int]:
    calls = [node for node in module.nodes if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if _dotted(call.func) == name]


def _dotted(node: ast.AST) -> str:
    return (
        f"{_dotted(node.value)}.{node.attr}".lstrip(".") if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    )


RULES: list[Callable[[Module], list[str]]] = [
    breaks_ranks, imports_a_sibling_plug, imports_torch, imports_by_name, imports_relatively, has_forbidden_names,
    is_too_large, prints, asserts, works_at_import, lacks_docstrings,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_modules(rule: Callable[[Module], list[str]]) -> None:
    broken = [f"src/oreline/{name.replace('.', '/')}.py: {what}" for name in MODULES for what in rule(MODULES[name])]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


# --- the page says what is tested -------------------------------------------------------------------------------


def documented_ranks() -> list[set[str]]:
    """Return the ranks that docs/architecture.md lists."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^    errors <.*(?:\n +<.*)*", text, flags=re.MULTILINE)
    return [{name.strip() for name in rank.split(",")} for rank in block.split("<")]


def test_the_documented_ranks_are_the_tested_ones() -> None:
    there = {module.package for module in MODULES.values()} - RANKS[-1]
    tested = [rank & there for rank in RANKS]
    assert [rank & there for rank in documented_ranks()] == [rank for rank in tested if rank]
    assert set().union(*documented_ranks()) >= there, "a package without a rank"


def test_the_documented_places_of_torch_are_the_tested_ones() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages, file = re.search(r"imported only in `([a-z ]+)` and `([a-z/]+)\.py`", text).groups()
    assert {*(f"{package}." for package in packages.split()), file.replace("/", ".")} == set(TORCH_PLACES)


# --- rules about the whole --------------------------------------------------------------------------------------


def graph(modules: dict[str, Module], *, lazy: bool) -> dict[str, set[str]]:
    """Return which of our modules each one imports; packages run their `__init__` too."""
    found = {}
    for name, module in modules.items():
        entries = [entry for entry in imports(module) if not entry.typing_only and (lazy or not entry.lazy)]
        found[name] = {own(entry.target) for entry in entries} & modules.keys() - {name}
    return found


@cache
def _edges_at_import(modules: tuple[tuple[str, Module], ...]) -> dict[str, set[str]]:
    """The graph of what is imported with a module, once for all modules that are asked about."""
    return graph(dict(modules), lazy=False)


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that reach one another."""
    reached = {name: reachable(edges, name) for name in edges}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in edges}
    return sorted(list(group) for group in groups if group)


def reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    """Return every module that importing `start` imports (itself only where it lies on a cycle)."""
    seen: set[str] = set()
    todo = list(edges.get(start, ()))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges.get(name, ())
    return seen


def heavy_imports(modules: dict[str, Module], start: str, forbidden: set[str]) -> list[str]:
    """Return the forbidden packages that importing a module imports, and by which module."""
    found = []
    for name in sorted({start, *reachable(_edges_at_import(tuple(modules.items())), start)}):
        entries = [entry for entry in imports(modules[name]) if not entry.lazy and not entry.typing_only]
        found += [
            f"{name}, line {entry.line}: imports {entry.target}"
            for entry in entries
            if entry.target.split(".")[0] in forbidden
        ]
    return found


def test_no_import_cycles() -> None:
    """Not even hidden in functions."""
    assert cycles(graph(MODULES, lazy=True)) == []


def test_no_module_is_dead() -> None:
    """Every module is a plug, or is reached from the command line, the library or a plug."""
    edges = graph(MODULES, lazy=True)
    commands = {f"cli.{module}" for module, _ in COMMANDS.values()}
    alive = {"__main__", "__init__", *(name.removeprefix("oreline.") for name in oreline._TYPES.values()), "api"}
    alive |= commands | PLUGS.keys() | {"cli.main"}
    for name in sorted(alive):
        alive |= reachable(edges, name)
    dead = {name for name, module in MODULES.items() if needs_a_test(module)} - alive
    assert dead == set()


def test_light_modules_stay_light() -> None:
    """`oreline --help` answers at once, and an ONNX artifact is served where torch and polars are not installed."""
    for places, forbidden in LIGHT.items():
        for name in MODULES:
            if name.startswith(tuple(f"{place}." for place in places)) or name in places:
                assert heavy_imports(MODULES, name, forbidden) == []


@pytest.mark.parametrize("kind_name", registry.KINDS)
def test_every_kind_has_plugs_and_a_conformance_suite(kind_name: str) -> None:
    """The suite runs over `registry.names(kind)`, so that a new file is tested without a line of its own."""
    assert registry.names(kind_name), f"no {kind_name} is registered"
    if kind_name in UNTESTED_KINDS:
        return
    wanted = f'names("{kind_name}")'
    suites = [file for file in (ROOT / "tests" / "conformance").glob("test_*.py") if wanted in file.read_text()]
    assert suites, f"no file in tests/conformance/ runs over {wanted}"


@pytest.mark.parametrize("name", PLUGS)
def test_every_plug_says_what_it_is(name: str) -> None:
    kind_name, attribute = PLUGS[name]
    assert registry.summary(kind_name, name.split(".")[-1])
    defined = [node for node in MODULES[name].tree.body if getattr(node, "name", "") == attribute]
    assert defined, f"{name} promises {attribute} and does not define it as a class"
    assert ast.get_docstring(defined[0]), f"{name}.{attribute} has no docstring"


def needs_a_test(module: Module) -> bool:
    """Whether a module holds more than a docstring, constants and imports."""
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)) for node in module.tree.body)


def file_of_tests(name: str) -> Path:
    """Return where the tests of a module lie."""
    *folders, last = name.split(".")
    return ROOT.joinpath("tests", *folders, f"test_{last.strip('_')}.py")


def test_tests_mirror_the_source() -> None:
    """`src/oreline/a/b.py` has `tests/a/test_b.py`."""
    wanted = [file_of_tests(name) for name in MODULES if needs_a_test(MODULES[name]) and name not in UNTESTED_MODULES]
    assert [str(file.relative_to(ROOT)) for file in wanted if not file.is_file()] == []


def test_exceptions_are_still_needed() -> None:
    """The lists may only shrink: what is no longer needed goes."""
    used = {(m.name, entry.target) for m in MODULES.values() for entry in imports(m) if entry.typing_only}
    assert UPWARD_FOR_TYPES.keys() <= used
    called = {(m.name, _dotted(n.func)) for m in MODULES.values() for n in m.nodes if isinstance(n, ast.Call)}
    assert CALLED_AT_IMPORT.keys() <= called
    assert [name for name in UNTESTED_MODULES if name not in MODULES or file_of_tests(name).is_file()] == []
    assert [kind for kind in UNTESTED_KINDS if kind not in registry.KINDS] == []
    sizes = {(m.name, sentence.split(":")[0]) for m in MODULES.values() for sentence in sizes_over(m)}
    assert TOO_LARGE.keys() <= sizes


def test_every_reason_is_given() -> None:
    for listed in (UPWARD_FOR_TYPES, CALLED_AT_IMPORT, TOO_LARGE, UNTESTED_MODULES, UNTESTED_KINDS):
        assert all(len(reason) > 20 for reason in listed.values())


# --- the rules can fail -----------------------------------------------------------------------------------------

BAD = [
    (breaks_ranks, "store", "from oreline.report import report"),
    (breaks_ranks, "store", "from oreline import registry"),
    (breaks_ranks, "data.refine", "def f():\n    import oreline.train.loop"),
    (breaks_ranks, "errors", "if TYPE_CHECKING:\n    from oreline.types import Event"),
    (breaks_ranks, "novel.module", "x = 1"),
    (breaks_ranks, "data.ledger", "from oreline.data.running import stage"),
    (breaks_ranks, "data.novel.module", "x = 1"),
    (imports_a_sibling_plug, "update.policies.replay", "from oreline.update.policies import replay_more"),
    (imports_torch, "evaluate.table", "def f():\n    import torch.nn"),
    (imports_torch, "runtime.onnx", "from transformers import AutoModel"),
    (imports_torch, "serve.app", "import peft"),
    (imports_by_name, "serve.app", "def f(name):\n    return importlib.import_module(name)"),
    (imports_relatively, "serve.app", "from . import schemas"),
    (has_forbidden_names, "data.text_utils", "x = 1"),
    (has_forbidden_names, "data.fold", "class ModelManager: ..."),
    (is_too_large, "data.fold", "x = 1\n" * 401),
    (is_too_large, "data.fold", "def f():\n" + "    x = 1\n" * 60),
    (is_too_large, "data.fold", "def f(a, b, c, d, e, *, f, g, h, i): ..."),
    (is_too_large, "api.build", "def _f(a, b, c, d, e, *, f, g, h, i): ..."),
    (prints, "data.fold", "def f():\n    print(1)"),
    (asserts, "data.fold", "def f(x):\n    assert x"),
    (works_at_import, "data.fold", "import os\nos.makedirs('x')"),
    (works_at_import, "data.fold", "MODEL = load('x')"),
    (works_at_import, "data.fold", "def f(x=open('y')): ..."),
    (works_at_import, "data.fold", "class A:\n    table = read()"),
    (works_at_import, "data.fold", "app = FastAPI()"),
    (works_at_import, "data.fold", "for name in 'ab':\n    globals()[name] = 1"),
    (lacks_docstrings, "data.fold", "x = 1"),
    (lacks_docstrings, "data.fold", '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self): ...'),
]


@pytest.mark.parametrize(("rule", "name", "text"), BAD)
def test_a_rule_finds_what_breaks_it(
    rule: Callable[[Module], list[str]], name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLUGS, "update.policies.replay_more", ("policy", "Policy"))
    monkeypatch.setitem(MODULES, "update.policies.replay_more", Module("update.policies.replay_more", ""))
    assert rule(Module(name, text))


GOOD = [
    (breaks_ranks, "data.refine", "from oreline.report.report import Report\nfrom oreline.data import fold"),
    (breaks_ranks, "types", "if TYPE_CHECKING:\n    from oreline.store import Artifact"),
    (imports_torch, "runtime.torch", "import torch"),
    (imports_by_name, "explain.words", "jieba = importlib.import_module('jieba')"),
    (is_too_large, "data.fold", 'def f():\n    """' + "text\n" * 80 + '"""\n' + "    x = 1\n" * 50),
    (is_too_large, "update.update", "def update(a, b, c, d, e, *, f, g, h, i): ..."),
    (prints, "cli.main", "print(1)"),
    (works_at_import, "data.fold", "WORD = re.compile('x')\n@dataclass(frozen=True)\nclass A:\n    x: int = 1"),
    (works_at_import, "cli.main", "if __name__ == '__main__':\n    main()"),
]


@pytest.mark.parametrize(("rule", "name", "text"), GOOD)
def test_a_rule_lets_pass_what_keeps_to_it(rule: Callable[[Module], list[str]], name: str, text: str) -> None:
    assert rule(Module(name, text)) == []


def test_the_rules_about_the_whole_can_fail() -> None:
    ring = {name: Module(name, f"def f():\n    import oreline.{other}") for name, other in (("a", "b"), ("b", "a"))}
    ring["c"] = Module("c", "import oreline.a\nimport polars")
    assert cycles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == [["a", "b"]]
    chain = {"a": {"b"}, "b": {"c"}, "c": set[str]()}
    assert cycles(chain) == []
    assert reachable(chain, "a") == {"b", "c"}
    assert heavy_imports({"c": ring["c"]}, "c", {"polars"})
    assert not heavy_imports({"c": Module("c", "def f():\n    import polars")}, "c", {"polars"})
