"""Cycles in directed graphs: which nodes lie on any, and the shortest through a node or an edge.

A graph maps each node to its successors, with the length of the edge to each, 0 or 1. Invariant:
everything is found in the order in which nodes and edges stand in the graph, so it is repeatable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import pairwise
from typing import Final, TypeVar

Node = TypeVar("Node", bound=Hashable)
Graph = Mapping[Node, Mapping[Node, int]]

STARTS_MAX: Final = 300
"""How many nodes of one component a shortest cycle is looked for at."""


def components(graph: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """The strongly connected components that hold a cycle (Tarjan 1972), without recursion."""
    number: dict[Node, int] = {}
    low: dict[Node, int] = {}
    path: list[Node] = []
    on_path: set[Node] = set()
    found: list[list[Node]] = []
    for root in graph:
        if root in number:
            continue
        calls = [(root, iter(graph[root]))]
        number[root] = low[root] = len(number)
        path.append(root)
        on_path.add(root)
        while calls:
            node, successors = calls[-1]
            for successor in successors:
                if successor not in number:
                    number[successor] = low[successor] = len(number)
                    path.append(successor)
                    on_path.add(successor)
                    calls.append((successor, iter(graph.get(successor, ()))))
                    break
                if successor in on_path:
                    low[node] = min(low[node], number[successor])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[node])
                if low[node] == number[node]:
                    component = _taken(path, node)
                    on_path.difference_update(component)
                    if len(component) > 1 or node in graph.get(node, ()):
                        found.append(component)
    return found


def _taken(path: list[Node], node: Node) -> list[Node]:
    """The end of the path that begins with the node, which it loses."""
    taken = [path.pop()]
    while taken[-1] != node:
        taken.append(path.pop())
    return taken[::-1]


def shortest_path(
    start: Node, goal: Node, successors: Callable[[Node], Iterable[tuple[Node, int]]]
) -> list[Node] | None:
    """The nodes from `start` to `goal`, both among them, over at least one edge; None if none.

    Where both are the same, that is a cycle.
    """
    before: dict[Node, Node] = {}
    length: dict[Node, int] = {}
    done: set[Node] = set()
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if node in done:
            continue
        if length:  # not at the very beginning, so that a path can come back to its start
            done.add(node)
        if node == goal and length:
            return _walked(start, goal, before)
        far = length.get(node, 0)
        for successor, step in successors(node):
            if successor not in length or far + step < length[successor]:
                length[successor] = far + step
                before[successor] = node
                if step:
                    queue.append(successor)
                else:
                    queue.appendleft(successor)
    return None


def _walked(start: Node, goal: Node, before: Mapping[Node, Node]) -> list[Node]:
    nodes = [goal]
    while nodes[-1] != start or len(nodes) == 1:
        nodes.append(before[nodes[-1]])
    return nodes[::-1]


def shortest_cycle(graph: Graph[Node]) -> list[Node] | None:
    """The nodes of a shortest cycle in their order, the first not repeated; None if there is none.

    In a component of more than STARTS_MAX nodes it is the shortest of those through so many.
    """
    best: list[Node] | None = None
    least = 0
    for component in components(graph):
        inside = set(component)

        def within(node: Node, inside: set[Node] = inside) -> list[tuple[Node, int]]:
            return [edge for edge in graph[node].items() if edge[0] in inside]

        for start in component[:STARTS_MAX]:
            nodes = shortest_path(start, start, within)
            assert nodes is not None
            length = sum(graph[one][other] for one, other in pairwise(nodes))
            if best is None or (length, len(nodes)) < (least, len(best) + 1):
                best, least = nodes[:-1], length
    return best
