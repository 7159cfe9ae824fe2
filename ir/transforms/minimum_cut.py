"""Minimum cuts of networks: the cheapest edges to remove so that nothing flows from a source to a sink.

The maximum flow is found by blocking flows along shortest paths (E. Dinic, "Algorithm for solution of a
problem of maximum flow in a network with power estimation", Soviet Math. Doklady 11, 1970). Start with
`Network`.
"""

from __future__ import annotations

from collections import deque

UNLIMITED = 1 << 100  # the capacity of an edge that no cut of finite cost goes through


class Network:
    """Nodes are numbered as they are made; capacities are integers, so that a cut is exact.

    >>> network = Network()
    >>> source, middle, sink = (network.node() for _ in range(3))
    >>> network.edge(source, middle, 3)
    >>> network.edge(middle, sink, 2)
    >>> network.source_side(source, sink) == {source, middle}
    True
    """

    def __init__(self) -> None:
        self._leaving: list[list[int]] = []  # per node, the edges in the order in which they are tried
        self._heads: list[int] = []  # per edge; the edge opposite to e is e ^ 1
        self._left: list[int] = []  # per edge, the capacity that the flow leaves

    def node(self) -> int:
        """A further node."""
        self._leaving.append([])
        return len(self._leaving) - 1

    def edge(self, tail: int, head: int, capacity: int) -> None:
        """An edge from `tail` to `head`."""
        self._leaving[tail].append(len(self._heads))
        self._leaving[head].append(len(self._heads) + 1)
        self._heads += (head, tail)
        self._left += (capacity, 0)

    def source_side(self, source: int, sink: int) -> set[int]:
        """The nodes on the source's side of a minimum cut; of several cuts, the one with the fewest.

        There must be a cut of finite cost. Ask once: the flow remains in the network.
        """
        while True:
            levels = self._levels(source)
            if levels[sink] < 0:
                return {node for node, level in enumerate(levels) if level >= 0}
            self._block(levels, source, sink)

    def _levels(self, source: int) -> list[int]:
        """How many edges with capacity left lead to each node; -1 where none do."""
        levels = [-1] * len(self._leaving)
        levels[source] = 0
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for edge in self._leaving[node]:
                head = self._heads[edge]
                if self._left[edge] and levels[head] < 0:
                    levels[head] = levels[node] + 1
                    queue.append(head)
        return levels

    def _block(self, levels: list[int], source: int, sink: int) -> None:
        """Send flow along shortest paths until each of them has an edge without capacity."""
        tried = [0] * len(levels)
        path: list[int] = []
        node = source
        while True:
            edge = self._onward(node, levels, tried)
            if edge is not None:
                path.append(edge)
                node = self._heads[edge]
            elif not path:
                return
            else:
                node = self._heads[path.pop() ^ 1]
                tried[node] += 1
            if node == sink:
                node = self._send(path)

    def _onward(self, node: int, levels: list[int], tried: list[int]) -> int | None:
        """The next edge of a shortest path that has capacity left."""
        leaving = self._leaving[node]
        for k in range(tried[node], len(leaving)):
            edge = leaving[k]
            if self._left[edge] and levels[self._heads[edge]] == levels[node] + 1:
                tried[node] = k
                return edge
        tried[node] = len(leaving)
        return None

    def _send(self, path: list[int]) -> int:
        """Fill the path; cut off what is behind its first full edge, and return that edge's tail."""
        amount = min(self._left[edge] for edge in path)
        for edge in path:
            self._left[edge] -= amount
            self._left[edge ^ 1] += amount
        full = next(k for k, edge in enumerate(path) if not self._left[edge])
        tail = self._heads[path[full] ^ 1]
        del path[full:]
        return tail
