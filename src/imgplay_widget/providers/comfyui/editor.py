"""From the format of ComfyUI's editor to that of its API. No I/O.

The editor saves a drawing: nodes with places and titles, links with numbers, and the values of the widgets as
lists without names. The server takes a table of nodes with named inputs. What the editor does in between:

- a node without a meaning for the server goes: notes, reroutes, primitives, the boxes of a subgraph;
- a muted node goes with what hangs on it; a bypassed node passes on an input of the type of its output;
- a subgraph is replaced by its nodes, whose ids begin with that of the subgraph: ``"10:3"``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers.comfyui.widgets import Misfit, values_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Lacking", "NotConverted", "classes", "converted", "is_drawing"]

_MUTED, _BYPASSED = 2, 4
"""The modes of a node that does not run."""

_NOTES = ("Note", "MarkdownNote")
_REROUTE, _PRIMITIVE, _SET, _GET = "Reroute", "PrimitiveNode", "SetNode", "GetNode"
_DRAWN = (*_NOTES, _REROUTE, _PRIMITIVE, _SET, _GET)
"""The nodes that only the editor knows. Set and get come from a well-known extension of the editor."""

_INPUTS, _OUTPUTS = -10, -20
"""The ids of the two boxes inside a subgraph, where it has no others."""

_MAX_NODES = 5000
_MAX_DEPTH = 16
"""The most subgraphs inside each other."""
_MAX_STEPS = 200
"""The most links between an input and the node that feeds it. Only a loop has more."""


class NotConverted(ValueError):
    """The drawing cannot be converted; the message names the node and the reason."""


class Lacking(NotConverted):
    """The server lacks nodes of the drawing; the message names them."""


class _Link(NamedTuple):
    """A link in a graph, from the output of one node to the input of another one."""

    origin: str
    slot: int
    target: str
    target_slot: int


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that comes instead of a link."""

    value: Any


@dataclass(eq=False, slots=True)
class _Graph:
    """A graph, or one instance of a subgraph.

    Attributes:
        nodes: the nodes by id.
        links: the links by id.
        path: the ids of the instances around it, from the outside.
        definition: the definition of the subgraph; empty for the whole graph.
        outer: the graph with the instance, and the instance in it; None for the whole graph.
        given: the values of the instance by the name of an input of the subgraph.
        proxied: the values of the instance for widgets of inner nodes, by the id of the node and the name of
            the widget.
    """

    nodes: Mapping[str, Mapping[str, Any]]
    links: Mapping[Any, _Link]
    path: tuple[str, ...] = ()
    definition: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outer: tuple[_Graph, Mapping[str, Any]] | None = None
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    proxied: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    inner: dict[str, _Graph] = field(default_factory=dict[str, "_Graph"])


def is_drawing(data: Mapping[str, Any]) -> bool:
    """Return whether JSON is a workflow in the editor's format."""
    return isinstance(data.get("nodes"), list)


def classes(data: Mapping[str, Any]) -> set[str]:
    """Return the classes of the nodes that run, for which the server is asked.

    Raises:
        NotConverted: the drawing is damaged, or too large.
    """
    return {text(node.get("type")) for _, node in _running(_Drawing(data).root)}


def converted(data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drawing in API format.

    Args:
        data: the drawing.
        known: the server's nodes (``/object_info``), with all of `classes`.

    Raises:
        Lacking: the server lacks a node.
        NotConverted: a node cannot be converted.
    """
    drawing = _Drawing(data)
    nodes = list(_running(drawing.root))
    lacking = {
        text(node.get("type")): node for _, node in nodes if not table(known.get(text(node.get("type"))))
    }
    if lacking:
        named = ", ".join(f"{kind} (node {node.get('id')})" for kind, node in lacking.items())
        raise Lacking(f"ComfyUI lacks {'nodes' if len(lacking) > 1 else 'a node'} of the workflow: {named}.")
    if not nodes:
        raise NotConverted("No node of the workflow runs: all are notes, muted or bypassed.")
    graph = {_id(scope, node): drawing.node(scope, node, known) for scope, node in nodes}
    for content in graph.values():
        inputs = content["inputs"]
        # What hangs on a muted node has nothing.
        gone = [name for name, value in inputs.items() if isinstance(value, list) and value[0] not in graph]
        for name in gone:
            del inputs[name]
    return graph


class _Drawing:
    """A drawing with its subgraphs unfolded."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        definitions = map(table, rows(table(data.get("definitions")).get("subgraphs")))
        self._definitions = {text(one.get("id")): one for one in definitions}
        self._count = 0
        self.root = _graph(data)
        self._unfold(self.root)

    def _unfold(self, scope: _Graph) -> None:
        self._count += len(scope.nodes)
        if self._count > _MAX_NODES:
            raise NotConverted(f"The workflow has more than {_MAX_NODES} nodes.")
        if len(scope.path) > _MAX_DEPTH:
            raise NotConverted(f"A subgraph of the workflow contains itself: {':'.join(scope.path[:4])}….")
        for key, node in scope.nodes.items():
            kind = text(node.get("type"))
            if kind.startswith(("workflow>", "workflow/")):
                raise NotConverted(
                    f"Node {key} ({kind[9:]}) is a group node of an older editor. Open the workflow in "
                    "ComfyUI, convert the group to nodes or to a subgraph, and save it again."
                )
            definition = self._definitions.get(kind)
            if definition is None or node.get("mode") in (_MUTED, _BYPASSED):
                continue
            inner = _graph(definition, path=(*scope.path, key), outer=(scope, node))
            inner.given, inner.proxied = _given(scope, node)
            scope.inner[key] = inner
            self._unfold(inner)

    # -------------------------------------------------------------- a node

    def node(self, scope: _Graph, node: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Return a node in API format."""
        kind, own = text(node.get("type")), str(node.get("id"))
        info = table(known[kind])
        entries = [table(entry) for entry in rows(node.get("inputs"))]
        named = [text(table(entry.get("widget")).get("name")) for entry in entries]
        title = text(node.get("title")) or text(info.get("display_name")) or kind
        try:
            inputs = values_of(info, node.get("widgets_values"), named)
        except Misfit as error:
            raise NotConverted(
                f"Node {_id(scope, node)} ({title}) does not fit ComfyUI's {kind}: {error}. The node has "
                "changed since the workflow was saved. Open the workflow in ComfyUI, correct the node and "
                "save it again."
            ) from error
        for (inner, name), value in scope.proxied.items():
            if inner == own and name in inputs:
                inputs[name] = value
        for entry in entries:
            name = text(entry.get("name"))
            if entry.get("link") is None or not name:
                continue
            found = self._followed(scope, entry["link"], text(entry.get("type")), node)
            if isinstance(found, _Value):
                inputs[name] = found.value
            elif found is not None:
                inputs[name] = list(found)
        return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}

    # -------------------------------------------------------------- links

    def _followed(
        self, scope: _Graph, link: Any, kind: str, asker: Mapping[str, Any], steps: int = 0
    ) -> tuple[str, int] | _Value | None:
        """Return the output that a link comes from, a value that stands there, or None for neither.

        Args:
            scope: the graph of the link.
            link: the id of the link.
            kind: the type of the input at its end.
            asker: the node at its end, for errors.
            steps: how many links were followed so far.
        """
        found = scope.links.get(_key(link))
        if found is None:
            return None
        if steps > _MAX_STEPS:
            raise NotConverted(
                f"Node {_id(scope, asker)} ({text(asker.get('type'))}) hangs on a loop of links."
            )
        if scope.outer is not None and found.origin == _box(scope.definition, "inputNode", _INPUTS):
            return self._from_outside(scope, found.slot, kind, asker, steps)
        node = scope.nodes.get(found.origin)
        return None if node is None else self._output(scope, node, found.slot, kind, steps)

    def _from_outside(
        self, scope: _Graph, slot: int, kind: str, asker: Mapping[str, Any], steps: int
    ) -> tuple[str, int] | _Value | None:
        """Return what the instance of a subgraph has at one of its inputs."""
        assert scope.outer is not None
        outer, instance = scope.outer
        inputs = [table(one) for one in rows(scope.definition.get("inputs"))]
        name = text(inputs[slot].get("name")) if 0 <= slot < len(inputs) else ""
        entries = [table(entry) for entry in rows(instance.get("inputs"))]
        entry = next((one for one in entries if text(one.get("name")) == name), None)
        if entry is not None and _key(entry.get("link")) in outer.links:
            return self._followed(outer, entry["link"], kind, instance, steps + 1)
        if name in scope.given:
            return _Value(wrapped(scope.given[name]))
        return None

    def _output(
        self, scope: _Graph, node: Mapping[str, Any], slot: int, kind: str, steps: int
    ) -> tuple[str, int] | _Value | None:
        """Return the output of a node, or what stands behind it where the node does not run."""
        key, own = str(node.get("id")), text(node.get("type"))
        entries = [table(entry) for entry in rows(node.get("inputs"))]
        if node.get("mode") == _BYPASSED:
            at = _passed(node, slot, kind)
            if at is None:
                return None
            passed = text(entries[at].get("type"))
            return self._followed(scope, entries[at].get("link"), passed, node, steps + 1)
        inner = scope.inner.get(key)
        if inner is not None:
            box = _box(inner.definition, "outputNode", _OUTPUTS)
            for link in inner.links:
                one = inner.links[link]
                if one.target == box and one.target_slot == slot:
                    return self._followed(inner, link, kind, node, steps + 1)
            return None
        if own == _PRIMITIVE:
            values = rows(node.get("widgets_values"))
            return _Value(wrapped(values[0])) if values else None
        if own == _GET:
            node, entries = self._set(scope, node)
        if own in (_REROUTE, _SET, _GET):
            link = entries[0].get("link") if entries else None
            return self._followed(scope, link, kind, node, steps + 1)
        return None if own in _NOTES else (_id(scope, node), slot)

    def _set(self, scope: _Graph, get: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        """Return the node that sets what another node gets, with its inputs."""
        name = (rows(get.get("widgets_values")) or [""])[0]
        for node in scope.nodes.values():
            if text(node.get("type")) == _SET and (rows(node.get("widgets_values")) or [None])[0] == name:
                return node, [table(entry) for entry in rows(node.get("inputs"))]
        raise NotConverted(f"Node {_id(scope, get)} (GetNode) gets {name!r}, which no node sets.")


# ------------------------------------------------------------------ reading


def _graph(
    data: Mapping[str, Any],
    path: tuple[str, ...] = (),
    outer: tuple[_Graph, Mapping[str, Any]] | None = None,
) -> _Graph:
    nodes: dict[str, Mapping[str, Any]] = {}
    for node in map(table, rows(data.get("nodes"))):
        if not isinstance(node.get("id"), (int, str)) or not text(node.get("type")):
            raise NotConverted("A node of the workflow has neither an id nor a type.")
        nodes[str(node["id"])] = node
    links: dict[Any, _Link] = {}
    for link in rows(data.get("links")):
        said = table(link)
        row = rows(link)
        if not said and len(row) >= 5:
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            said = dict(zip(names, row, strict=False))
        slots = said.get("origin_slot"), said.get("target_slot")
        if all(isinstance(slot, int) for slot in slots):
            origin, target = str(said.get("origin_id")), str(said.get("target_id"))
            links[_key(said.get("id"))] = _Link(origin, slots[0] or 0, target, slots[1] or 0)
    return _Graph(nodes, links, path, data if outer else {}, outer)


def _key(link: Any) -> str:
    return str(link)


def _box(definition: Mapping[str, Any], name: str, usual: int) -> str:
    return str(table(definition.get(name)).get("id", usual))


def _id(scope: _Graph, node: Mapping[str, Any]) -> str:
    return ":".join((*scope.path, str(node.get("id"))))


def _running(scope: _Graph) -> Iterator[tuple[_Graph, Mapping[str, Any]]]:
    """Return the nodes that the server runs, with their graphs, in the order of the drawing."""
    for node in sorted(scope.nodes.values(), key=_order):
        inner = scope.inner.get(str(node.get("id")))
        if inner is not None:
            yield from _running(inner)
        elif node.get("mode") not in (_MUTED, _BYPASSED) and text(node.get("type")) not in _DRAWN:
            yield scope, node


def _order(node: Mapping[str, Any]) -> float:
    order = node.get("order")
    return order if isinstance(order, (int, float)) else 0


def _given(scope: _Graph, node: Mapping[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    """Return the values that an instance of a subgraph gives to its inputs, and to widgets of inner nodes.

    The values stand in the order of ``proxyWidgets``, where the instance has such a list, else in the order
    of its inputs with a widget. Without a value of its own, an inner widget keeps its value.
    """
    given: dict[str, Any] = {}
    proxied: dict[tuple[str, str], Any] = {}
    saved = node.get("widgets_values")
    proxies = [rows(entry) for entry in rows(table(node.get("properties")).get("proxyWidgets"))]
    if proxies:
        for entry, value in zip(proxies, rows(saved), strict=False):
            if len(entry) >= 2 and value is not None:
                name = text(entry[1])
                if str(entry[0]) == "-1":
                    given[name] = value
                else:
                    proxied[str(entry[0]), name] = value
    else:
        entries = [table(entry) for entry in rows(node.get("inputs"))]
        names = [text(entry.get("name")) for entry in entries if table(entry.get("widget"))]
        by_name = table(saved)
        values = [by_name.get(name) for name in names] if by_name else rows(saved)
        given = {name: value for name, value in zip(names, values, strict=False) if value is not None}
    # An instance around this one may give values to the widgets that this one shows.
    for (inner, name), value in scope.proxied.items():
        if inner == str(node.get("id")):
            own = next((key for key in proxied if key[1] == name), None)
            if own is not None:
                proxied[own] = value
            else:
                given[name] = value
    return given, proxied


def _passed(node: Mapping[str, Any], slot: int, kind: str) -> int | None:
    """Return which input of a bypassed node goes to one of its outputs, or None where none fits."""
    kinds = [text(table(entry).get("type")) for entry in rows(node.get("inputs"))]
    outputs = [text(table(entry).get("type")) for entry in rows(node.get("outputs"))]
    if not kinds or slot >= len(outputs):
        return None
    if kind in ("*", ""):
        return slot if slot < len(kinds) else 0
    if slot < len(kinds) and _fits(kinds[slot], outputs[slot]) and _fits(kinds[slot], kind):
        return slot
    if kind in kinds:
        return kinds.index(kind)
    both = (at for at, own in enumerate(kinds) if _fits(own, outputs[slot]) and _fits(own, kind))
    return next(both, None)


def _fits(one: str, other: str) -> bool:
    """Return whether a link may join two types, each a name, a list of names or ``*`` for any."""
    if one in ("", "*") or other in ("", "*"):
        return True
    return bool({*one.upper().split(",")} & {*other.upper().split(",")})
