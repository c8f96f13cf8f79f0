"""Dominators of a graph of numbered nodes: which nodes stand on every path from the first one to another.

The algorithm is that of Lengauer and Tarjan (A Fast Algorithm for Finding Dominators in a Flowgraph, 1979), in its
simple form: its time grows with edges times the logarithm of nodes, whatever the graph. Nothing in it recurses.
"""

from collections.abc import Sequence


class Dominators:
    """The dominator tree of a graph.

    :param successors: for each node those that an edge leads to; node 0 is where paths begin.
    """

    def __init__(self, successors: Sequence[Sequence[int]]) -> None:
        order, parents = _depth_first(successors)
        self._enter = [-1] * len(successors)
        self._leave = [-1] * len(successors)
        self._number(order, _Tree(successors, order, parents).immediate())

    def dominates(self, node: int, other: int) -> bool:
        """Whether every path to the other node goes through the first; a node that no path reaches is dominated."""
        if self._enter[other] < 0:
            return True
        return 0 <= self._enter[node] <= self._enter[other] and self._leave[other] <= self._leave[node]

    def _number(self, order: Sequence[int], immediate: Sequence[int]) -> None:
        """Number the tree so that a node's interval holds those of all that it dominates."""
        children: list[list[int]] = [[] for _ in order]
        for number in range(1, len(order)):
            children[immediate[number]].append(number)
        clock, todo = 0, [(0, False)]
        while todo:
            number, done = todo.pop()
            clock += 1
            if done:
                self._leave[order[number]] = clock
                continue
            self._enter[order[number]] = clock
            todo.append((number, True))
            todo += [(child, False) for child in children[number]]


def _depth_first(successors: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The nodes that node 0 leads to in the order in which they are met, and for each place that of its parent."""
    order: list[int] = []
    parents: list[int] = []
    met = [False] * len(successors)
    todo = [(0, 0)]
    while todo:
        node, parent = todo.pop()
        if met[node]:
            continue
        met[node] = True
        place = len(order)
        order.append(node)
        parents.append(parent)
        todo += [(target, place) for target in reversed(successors[node]) if not met[target]]
    return order, parents


class _Tree:
    """The tree of a depth-first search while semidominators are found; nodes have the numbers of the search."""

    def __init__(self, successors: Sequence[Sequence[int]], order: Sequence[int], parents: Sequence[int]) -> None:
        place = [-1] * len(successors)
        for number, node in enumerate(order):
            place[node] = number
        self.parents = parents
        self.before: list[list[int]] = [[] for _ in order]
        for number, node in enumerate(order):
            for target in successors[node]:
                self.before[place[target]].append(number)
        self.semi = list(range(len(order)))
        self.label = list(range(len(order)))
        self.ancestor = [-1] * len(order)

    def immediate(self) -> list[int]:
        """The immediate dominator of each node; of the first itself."""
        found = [0] * len(self.parents)
        waiting: list[list[int]] = [[] for _ in self.parents]
        for node in range(len(self.parents) - 1, 0, -1):
            parent = self.parents[node]
            self.semi[node] = min(self.semi[self._best(source)] for source in self.before[node])
            waiting[self.semi[node]].append(node)
            self.ancestor[node] = parent
            for other in waiting[parent]:
                best = self._best(other)
                found[other] = best if self.semi[best] < self.semi[other] else parent
            waiting[parent].clear()
        for node in range(1, len(self.parents)):
            if found[node] != self.semi[node]:
                found[node] = found[found[node]]
        return found

    def _best(self, node: int) -> int:
        """The node with the least semidominator on the way up the linked part of the tree, which is shortened."""
        if self.ancestor[node] < 0:
            return node
        path = []
        while self.ancestor[self.ancestor[node]] >= 0:
            path.append(node)
            node = self.ancestor[node]
        first = path[0] if path else node
        for lower in reversed(path):
            upper = self.ancestor[lower]
            if self.semi[self.label[upper]] < self.semi[self.label[lower]]:
                self.label[lower] = self.label[upper]
            self.ancestor[lower] = self.ancestor[upper]
        return self.label[first]
