"""Cycles of a graph of numbered nodes; nothing in it recurses.

Strongly connected components are found as Tarjan did (Depth-first search and linear graph algorithms, 1972).
"""

from collections.abc import Collection, Sequence


def components(successors: Sequence[Sequence[int]]) -> list[list[int]]:
    """The groups of nodes that lead into one another, each node in one group, a group after those it leads to."""
    index = [-1] * len(successors)
    low = [0] * len(successors)
    open_ = [False] * len(successors)
    stack: list[int] = []
    found: list[list[int]] = []
    count = 0
    for start in range(len(successors)):
        if index[start] >= 0:
            continue
        todo = [(start, 0)]
        while todo:
            node, place = todo.pop()
            if place == 0:
                index[node] = low[node] = count
                count += 1
                stack.append(node)
                open_[node] = True
            if place < len(successors[node]):
                todo.append((node, place + 1))
                target = successors[node][place]
                if index[target] < 0:
                    todo.append((target, 0))
                elif open_[target]:
                    low[node] = min(low[node], index[target])
                continue
            if todo:
                low[todo[-1][0]] = min(low[todo[-1][0]], low[node])
            if low[node] == index[node]:
                found.append(_closed(stack, node, open_))
    return found


def _closed(stack: list[int], node: int, open_: list[bool]) -> list[int]:
    """Take a finished group from the stack."""
    group: list[int] = []
    while not group or group[-1] != node:
        group.append(stack.pop())
        open_[group[-1]] = False
    return group


def shortest_cycle(start: int, successors: Sequence[Sequence[int]], inside: Collection[int]) -> list[int]:
    """The nodes of a shortest cycle through a node of a group, from that node on; the node alone if there is none."""
    came: dict[int, int] = {}
    queue = [start]
    for node in queue:
        for target in successors[node]:
            if target in inside and target not in came:
                came[target] = node
                queue.append(target)
    path = [start]
    while came.get(path[-1], start) != start:
        path.append(came[path[-1]])
    return [path[0], *path[:0:-1]]
