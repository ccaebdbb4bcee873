"""Training on clusters with classifiers for the whole and its parts, and rows per cluster and camera."""

import argparse
import os.path as osp
import random
import sys

import numpy as np
import torch
from pplr import datasets
from pplr.evaluators import Evaluator, extract_all_features
from pplr.loss import InterCamProxy
from pplr.models import resnet50part
from pplr.trainers import PPLRTrainerCAM
from pplr.utils.data.loaders import augmented, test_batches, training_batches
from pplr.utils.data.preprocessor import Preprocessor
from pplr.utils.data.sampler import RandomMultipleGallerySampler
from pplr.utils.faiss_rerank import compute_jaccard_distance, compute_ranked_list
from pplr.utils.logging import Logger
from sklearn.cluster import DBSCAN
from torch import nn
from torch.backends import cudnn
from torch.nn import functional as F

best_mAP = 0


def get_data(name, data_dir):
    """Read the data set, which lies in this very folder."""
    return datasets.create(name, data_dir)


def get_train_loader(dataset, height, width, batch_size, workers, num_instances, iters, trainset=None):
    """Load the labelled photos for training."""
    rows = sorted(dataset.train) if trainset is None else sorted(trainset)
    sampler = RandomMultipleGallerySampler(rows, num_instances) if num_instances > 0 else None
    photos = Preprocessor(rows, root=dataset.images_dir, transform=augmented(height, width))
    return training_batches(photos, sampler, batch_size, workers, iters)


def get_test_loader(dataset, height, width, batch_size, workers, testset=None):
    """Load photos for their features."""
    rows = list(set(dataset.query) | set(dataset.gallery)) if testset is None else testset
    return test_batches(rows, dataset.images_dir, height, width, batch_size, workers)


def compute_pseudo_labels(features, cluster, k1):
    """Give every photo a label, those without a cluster one from `num_ids` on, and the number of clusters."""
    ids = cluster.fit_predict(compute_jaccard_distance(features, k1=k1, k2=6))
    num_ids = len(set(ids)) - (1 if -1 in ids else 0)
    labels = torch.as_tensor(ids, dtype=torch.int64).clone()
    noise = labels == -1
    labels[noise] = num_ids + torch.arange(int(noise.sum()))
    return labels, num_ids


def compute_cross_agreement(features_g, features_p, k, search_option=0):
    """Give, for each photo and part, how much the neighbours of the part are those of the whole."""
    whole = compute_ranked_list(features_g, k=k, search_option=search_option, verbose=False)
    columns = []
    for part in range(features_p.size(2)):
        own = compute_ranked_list(features_p[:, :, part], k=k, search_option=search_option, verbose=False)
        shared = [len(np.intersect1d(first, second)) for first, second in zip(whole, own, strict=True)]
        columns.append(torch.tensor([count / (2 * whole.shape[1] - count) for count in shared]))
    return torch.stack(columns, dim=1)


def cam_proxies(rows, pids, cids):
    """Give a memory with the mean row of every cluster in every camera."""
    pairs = sorted(set(zip(pids.tolist(), cids.tolist(), strict=True)))
    memory = InterCamProxy(rows.size(1), len(pairs)).cuda()
    means = torch.stack([rows[torch.from_numpy((pids == pid) & (cids == cid))].mean(0) for pid, cid in pairs])
    memory.proxy = F.normalize(means, dim=1).cuda()
    memory.pids = torch.tensor([pid for pid, _ in pairs]).cuda()
    memory.cids = torch.tensor([cid for _, cid in pairs]).cuda()
    return memory


def main():
    """Read the arguments, fix the seed, and run."""
    args = parser.parse_args()
    if args.seed is not None:
        random.seed(args.seed)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        torch.cuda.manual_seed_all(args.seed)
        cudnn.deterministic = True
    main_worker(args)


def main_worker(args):
    """Train for all epochs and test the best model."""
    global best_mAP
    sys.stdout = Logger(osp.join(args.logs_dir, "log.txt"))
    print(f"Args:{args}")

    dataset = get_data(args.dataset, args.data_dir)
    size = (args.height, args.width, args.batch_size, args.workers)
    test_loader = get_test_loader(dataset, *size)
    rows = sorted(dataset.train)
    cluster_loader = get_test_loader(dataset, *size, testset=rows)
    model = resnet50part(num_parts=args.part, num_classes=3000)
    model.cuda()
    model = nn.DataParallel(model)
    evaluator = Evaluator(model)
    weights = [
        {"params": [value], "lr": args.lr, "weight_decay": args.weight_decay}
        for value in model.parameters()
        if value.requires_grad
    ]
    optimizer = torch.optim.Adam(weights)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=args.step_size, gamma=0.1)
    scores = []

    for epoch in range(args.epochs):
        whole, parts, _ = extract_all_features(model, cluster_loader)
        features_g = torch.stack([whole[path] for path, _, _ in rows])
        features_p = torch.stack([parts[path] for path, _, _ in rows])
        if epoch == 0:
            cluster = DBSCAN(eps=args.eps, min_samples=4, metric="precomputed", n_jobs=8)
        pseudo_labels, num_class = compute_pseudo_labels(features_g, cluster, args.k1)
        score = compute_cross_agreement(features_g, features_p, k=args.k)
        scores.append(score)

        kept = torch.nonzero(pseudo_labels < num_class)[:, 0]
        new_dataset = [(rows[place][0], pseudo_labels[place].item(), rows[place][2]) for place in kept.tolist()]
        train_loader = get_train_loader(dataset, *size, args.num_instances, args.iters, trainset=new_dataset)
        print(f"Epoch {epoch}: {num_class} clusters, {len(rows) - len(new_dataset)} photos left out")

        features_g, features_p, score = features_g[kept], features_p[kept], score[kept]
        pids = pseudo_labels[kept].numpy()
        cids = np.array([camera for _, _, camera in new_dataset])
        members = [torch.from_numpy(pids == pid) for pid in np.unique(pids)]
        centroids = F.normalize(torch.stack([features_g[member].mean(0) for member in members]), dim=1)
        model.module.classifier.weight.data[:num_class].copy_(centroids)
        for part in range(args.part):
            centroids = torch.stack([features_p[member, :, part].mean(0) for member in members])
            layer = getattr(model.module, f"classifier{part}")
            layer.weight.data[:num_class].copy_(F.normalize(centroids, dim=1))

        memory = cam_proxies(features_g, pids, cids)
        memory_p = [cam_proxies(features_p[:, :, part], pids, cids) for part in range(args.part)]
        trainer = PPLRTrainerCAM(
            model,
            score,
            memory,
            memory_p,
            num_class=num_class,
            num_part=args.part,
            beta=args.beta,
            aals_epoch=args.aals_epoch,
            lam_cam=args.lam_cam,
        )
        trainer.train(epoch, train_loader, optimizer, print_freq=args.print_freq, train_iters=len(train_loader))
        lr_scheduler.step()

        if (epoch + 1) % args.eval_step == 0 or epoch == args.epochs - 1:
            mAP = evaluator.evaluate(test_loader, dataset.query, dataset.gallery, cmc_flag=False)
            if mAP > best_mAP:
                best_mAP = mAP
                torch.save(model.state_dict(), osp.join(args.logs_dir, "best.pth"))
            print(f"Epoch {epoch}: mAP {mAP:.1%}, best {best_mAP:.1%}")

    torch.save(model.state_dict(), osp.join(args.logs_dir, "last.pth"))
    np.save(osp.join(args.logs_dir, "scores.npy"), torch.stack(scores).numpy())
    model.load_state_dict(torch.load(osp.join(args.logs_dir, "best.pth")))
    evaluator.evaluate(test_loader, dataset.query, dataset.gallery, cmc_flag=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The whole and its parts, with cameras")
    parser.add_argument("-d", "--dataset", type=str, default="market1501")
    parser.add_argument("-b", "--batch-size", type=int, default=64)
    parser.add_argument("-j", "--workers", type=int, default=4)
    parser.add_argument("-n", "--num-instances", type=int, default=4)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--width", type=int, default=128)
    working_dir = osp.dirname(osp.abspath(__file__))
    parser.add_argument("--data-dir", type=str, metavar="PATH", default=osp.join(working_dir, "data"))
    parser.add_argument("--logs-dir", type=str, metavar="PATH", default=osp.join(working_dir, "logs/test"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print-freq", type=int, default=10)
    parser.add_argument("--eval-step", type=int, default=5)
    parser.add_argument("--part", type=int, default=3)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--beta", type=float, default=0.5)
    parser.add_argument("--aals-epoch", type=int, default=5)
    parser.add_argument("--lam-cam", type=float, default=0.5)
    parser.add_argument("--lr", type=float, default=0.00035)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--iters", type=int, default=400)
    parser.add_argument("--step-size", type=int, default=20)
    parser.add_argument("--k1", type=int, default=30)
    parser.add_argument("--k2", type=int, default=6)
    parser.add_argument("--eps", type=float, default=0.5)
    main()
