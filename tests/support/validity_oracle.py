"""The validity of density-based clusters in slow plain Python, from its definition (Moulavi and others 2014)."""

import itertools
import math


def validity(points, labels):
    """The index of the clusters; labels of -1 are noise."""
    clusters = {each: [p for p, label in zip(points, labels, strict=True) if label == each] for each in set(labels) - {-1}}
    if len(clusters) < 2:
        return -1.0
    shapes = {each: _shape(members) for each, members in clusters.items()}
    total = 0.0
    for each, members in clusters.items():
        inner, sparseness = shapes[each]
        others = [point for other in clusters if other != each for point in shapes[other][0]]
        separation = min(max(math.dist(p, q), core_p, core_q) for p, core_p in inner for q, core_q in others)
        total += len(members) / len(points) * (separation - sparseness) / max(separation, sparseness)
    return total


def _shape(members):
    """The inner points of a cluster with their core distances, and its sparseness."""
    d, m = len(members[0]), len(members)
    cores = []
    for i, p in enumerate(members):
        powers = [math.dist(p, q) ** -d for j, q in enumerate(members) if j != i]
        cores.append((sum(powers) / (m - 1)) ** (-1 / d))
    edges = sorted(
        (max(math.dist(members[i], members[j]), cores[i], cores[j]), i, j) for i, j in itertools.combinations(range(m), 2)
    )
    part = list(range(m))  # Kruskal: the shortest edges that join two parts
    tree = []
    for length, i, j in edges:
        if part[i] != part[j]:
            old, new = part[i], part[j]
            part = [new if each == old else each for each in part]
            tree.append((length, i, j))
    degree = [sum(i in edge[1:] for edge in tree) for i in range(m)]
    inner = [i for i in range(m) if degree[i] > 1] or list(range(m))
    among = [length for length, i, j in tree if degree[i] > 1 and degree[j] > 1] or [edge[0] for edge in tree]
    return [(members[i], cores[i]) for i in inner], max(among)
