"""Nearest neighbours with an old faiss."""

import faiss
import torch


def pointer_to_ranks(ranks):
    """Give the address of an int64 tensor in faiss's own type."""
    return faiss.cast_integer_to_long_ptr(ranks.data_ptr())


def search_raw_array_pytorch(res, xb, xq, k):
    """Search on the GPU, straight on the tensors."""
    rows = xq.contiguous().float().cuda()
    base = xb.contiguous().float().cuda()
    distances = torch.empty(len(rows), k, device=rows.device)
    ranks = torch.empty(len(rows), k, device=rows.device, dtype=torch.int64)
    found = (faiss.cast_integer_to_float_ptr(distances.data_ptr()), pointer_to_ranks(ranks))
    given = [faiss.cast_integer_to_float_ptr(part.data_ptr()) for part in (base, rows)]
    size = rows.shape[1]
    faiss.bruteForceKnn(res, faiss.METRIC_L2, given[0], True, len(base), given[1], True, len(rows), size, k, *found)
    torch.cuda.synchronize()
    return distances, ranks


def index_init_cpu(feat_dim):
    """Give an exact index on the CPU."""
    return faiss.IndexFlatL2(feat_dim)
