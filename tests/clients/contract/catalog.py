"""What the catalog says of an operation: its parameters, and what the Java SDK reads from its answer."""

import json
import pathlib

WIRE = pathlib.Path(__file__).resolve().parents[3] / "crates" / "wire" / "src"

OPERATIONS = {operation["name"]: operation for operation in json.loads((WIRE / "catalog" / "operations.json").read_text())}
SHAPES = json.loads((WIRE / "model" / "shapes.json").read_text())


def kubernetes_operations():
    """The names of the operations to be served."""
    return sorted(name for name, operation in OPERATIONS.items() if operation["kubernetes"])


def parameters(operation):
    """The names of an operation's parameters."""
    return [parameter["name"] for parameter in OPERATIONS[operation]["parameters"]]


def check_for_java(operation, body, empty=()):
    """Raises unless an answer has every value that the Java SDK reads, in the list form that it expects.

    `empty` names the lists that have no items in this answer: what is read below them cannot be looked at, but they have to be there.
    """
    found = {}
    _java_paths(body, "", found)
    for path, kind in SHAPES[operation]["java_reads"].items():
        above = next((name for name in empty if path == name or path.startswith(f"{name}[]")), None)
        if (above or path) not in found:
            raise AssertionError(f"{operation}: Java reads {above or path}, which the answer lacks: {json.dumps(body)[:2000]}")
        if not above and not _can_read(kind, found[path]):
            raise AssertionError(f"{operation}: Java reads {path} as a {kind}, it is {found[path]!r}")


def check_for_tea(operation, body, empty=()):
    """Raises unless an answer, as the newer SDKs understand it, has every field that they declare."""
    _check_tree(operation, SHAPES[operation]["response"], [body], {""}, empty)


def spoiled(operation, body, for_java):
    """Copies of an answer that each lack a field which the SDK reads, wherever it would be; with the field's name."""
    read = {path.rpartition(".")[2].removesuffix("[]") for path in SHAPES[operation]["java_reads"]}
    for name in sorted(read if for_java else set(_names(SHAPES[operation]["response"]))):
        lacking = _without(body, name)
        if lacking != body:
            yield name, lacking


def _names(tree):
    if isinstance(tree, list):
        yield from _names(tree[0])
    elif isinstance(tree, dict):
        for name, field in tree.items():
            yield name
            yield from _names(field)


def _without(value, name):
    if isinstance(value, list):
        return [_without(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _without(field, name) for key, field in value.items() if key != name}
    return value


def _check_tree(operation, tree, values, paths, empty):
    """Checks all values that are at one place of an answer.

    `paths` are the names that Java may have for this place: an item-named list is known by the object around it, too.
    """
    path = max(paths, key=len)
    if isinstance(tree, dict):
        for name, field in tree.items():
            lacking = [value for value in values if not isinstance(value, dict) or value.get(name) is None]
            if lacking:
                raise AssertionError(f"{operation}: {path}.{name} is missing in {json.dumps(lacking[0])[:2000]}")
            below = {f"{known}.{name}".lstrip(".") for known in paths} | (paths if isinstance(field, list) else set())
            _check_tree(operation, field, [value[name] for value in values], below, empty)
    elif isinstance(tree, list):
        wrong = [value for value in values if not isinstance(value, list)]
        if wrong:
            raise AssertionError(f"{operation}: {path} is no list: {wrong[0]!r}")
        items = [item for value in values for item in value]
        if items:
            _check_tree(operation, tree[0], items, {f"{known}[]" for known in paths}, empty)
        elif not paths & set(empty):
            raise AssertionError(f"{operation}: {path} is empty")


def _java_paths(value, path, found):
    """Flat paths, as Java's parser makes them: the name of an item-named list is swallowed, a list ends in `[]`."""
    if isinstance(value, dict):
        if path:
            found.setdefault(path, value)
        for name, field in value.items():
            _java_paths(field, f"{path}.{name}" if path else name, found)
            if isinstance(field, list) and path:
                _java_paths(field, path, found)
    elif isinstance(value, list):
        found.setdefault(path, value)
        for item in value:
            _java_paths(item, f"{path}[]", found)
    else:
        found[path] = value


def _can_read(kind, value):
    if isinstance(value, list) and not value:
        return True
    if kind in ("integer", "long"):
        return isinstance(value, int) or (isinstance(value, str) and value.lstrip("-").isdigit())
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    return isinstance(value, (str, int, float, bool, dict))
