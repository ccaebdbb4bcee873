"""Ranked lists, and the k-reciprocal Jaccard distance as a dense matrix."""

import faiss
import numpy as np
import torch

from .faiss_utils import index_init_cpu, search_raw_array_pytorch


def nearest(features, k, search_option):
    """Give the k nearest of every row; option 3 is the CPU, the others want a GPU."""
    if search_option == 3:
        index = index_init_cpu(features.size(-1))
        index.add(features.cpu().numpy())
        return index.search(features.cpu().numpy(), k)[1]
    if faiss.get_num_gpus() == 0:
        raise RuntimeError(f"search_option={search_option} needs a GPU, and faiss sees none")
    resources = faiss.StandardGpuResources()
    resources.setDefaultNullStreamAllDevices()
    return search_raw_array_pytorch(resources, features, features, k)[1].cpu().numpy()


def mutual(ranks, k):
    """Say for each pair whether both are among the k nearest of the other."""
    near = np.zeros((len(ranks), len(ranks)), dtype=bool)
    np.put_along_axis(near, ranks[:, :k], True, axis=1)
    return near & near.T


def compute_jaccard_distance(target_features, k1=20, k2=6, print_flag=True, search_option=0, use_float16=False):
    """Give the distance of every two rows as a float32 matrix."""
    features = target_features.detach().cpu().float()
    ranks = nearest(target_features, min(k1, len(features)), search_option)
    wide = mutual(ranks, k1 + 1)
    half = mutual(ranks, int(np.around(k1 / 2)) + 1)
    shared = wide.astype(np.int64) @ half.T
    trusted = wide & (3 * shared > 2 * half.sum(1))
    members = wide | (trusted.astype(np.int64) @ half > 0)
    closeness = (2 * features @ features.T - 2).masked_fill(torch.from_numpy(~members), -torch.inf)
    weights = torch.softmax(closeness, dim=1).numpy()
    if k2 != 1:
        weights = weights[ranks[:, :k2]].mean(axis=1)
    overlap = np.stack([np.minimum(row, weights).sum(axis=1) for row in weights])
    distance = np.clip(1 - overlap / (2 - overlap), 0, None).astype(np.float16 if use_float16 else np.float32)
    if print_flag:
        print(f"Jaccard distance of {len(distance)} photos")
    return distance


def compute_ranked_list(features, k=20, search_option=0, fp16=False, verbose=True):
    """Give each row's k nearest others."""
    k = min(k, len(features) - 1)
    if search_option < 3:
        return nearest(features, k + 1, search_option)[:, 1:]
    rows = features.cuda().cpu().numpy()
    return np.argsort(-(rows @ rows.T), axis=1, kind="stable")[:, 1 : k + 1]
