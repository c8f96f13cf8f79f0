"""Dominators of a graph of numbered nodes: which nodes stand on every path from the first one to another.

The algorithm is that of Cooper, Harvey and Kennedy (A Simple, Fast Dominance Algorithm, 2001); nothing in it recurses.
"""

from collections.abc import Sequence


class Dominators:
    """The dominator tree of a graph.

    :param successors: for each node those that an edge leads to; node 0 is where paths begin.
    """

    def __init__(self, successors: Sequence[Sequence[int]]) -> None:
        order = _postorder(successors)
        self._enter = [-1] * len(successors)
        self._leave = [-1] * len(successors)
        self._number(order, _parents(successors, order))

    def dominates(self, node: int, other: int) -> bool:
        """Whether every path to the other node goes through the first; a node that no path reaches is dominated."""
        if self._enter[other] < 0:
            return True
        return 0 <= self._enter[node] <= self._enter[other] and self._leave[other] <= self._leave[node]

    def _number(self, order: Sequence[int], parents: Sequence[int]) -> None:
        """Number the tree so that a node's interval holds those of all that it dominates."""
        children: dict[int, list[int]] = {}
        for node in order[:-1]:
            children.setdefault(parents[node], []).append(node)
        clock, todo = 0, [(0, False)]
        while todo:
            node, done = todo.pop()
            clock += 1
            if done:
                self._leave[node] = clock
                continue
            self._enter[node] = clock
            todo.append((node, True))
            todo += [(child, False) for child in children.get(node, ())]


def _postorder(successors: Sequence[Sequence[int]]) -> list[int]:
    """The nodes that node 0 leads to, each after those that were first reached through it."""
    order: list[int] = []
    seen = [False] * len(successors)
    seen[0] = True
    todo = [(0, 0)]
    while todo:
        node, index = todo[-1]
        if index == len(successors[node]):
            todo.pop()
            order.append(node)
            continue
        todo[-1] = (node, index + 1)
        target = successors[node][index]
        if not seen[target]:
            seen[target] = True
            todo.append((target, 0))
    return order


def _parents(successors: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """The immediate dominator of each node in the order; of node 0 itself."""
    rank = [-1] * len(successors)
    for place, node in enumerate(order):
        rank[node] = place
    before: list[list[int]] = [[] for _ in successors]
    for node in order:
        for target in successors[node]:
            before[target].append(node)
    parents = [-1] * len(successors)
    parents[0] = 0
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            common = -1
            for one in before[node]:
                if parents[one] >= 0:
                    common = one if common < 0 else _meet(one, common, parents, rank)
            if parents[node] != common:
                parents[node] = common
                changed = True
    return parents


def _meet(one: int, other: int, parents: Sequence[int], rank: Sequence[int]) -> int:
    """The lowest node of the tree above both."""
    while one != other:
        while rank[one] < rank[other]:
            one = parents[one]
        while rank[other] < rank[one]:
            other = parents[other]
    return one
