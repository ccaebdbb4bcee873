"""Training on clusters and single photos alike, with clusters that have to prove themselves."""

import argparse
import os.path as osp
import random
import sys

import numpy as np
import torch
from sklearn.cluster import DBSCAN
from spcl import datasets, models
from spcl.evaluators import Evaluator, extract_features
from spcl.models.hm import HybridMemory
from spcl.trainers import SpCLTrainer_USL
from spcl.utils.data.loaders import augmented, test_batches, training_batches
from spcl.utils.data.preprocessor import Preprocessor
from spcl.utils.data.sampler import RandomMultipleGallerySampler
from spcl.utils.faiss_rerank import compute_jaccard_distance
from spcl.utils.logging import Logger
from spcl.utils.serialization import load_checkpoint, save_checkpoint
from torch import nn
from torch.backends import cudnn
from torch.nn import functional as F

start_epoch = best_mAP = 0


def get_data(name, data_dir):
    """Read the data set."""
    return datasets.create(name, osp.join(data_dir, name))


def get_train_loader(args, dataset, height, width, batch_size, workers, num_instances, iters, trainset=None):
    """Load the labelled photos for training."""
    rows = sorted(dataset.train) if trainset is None else sorted(trainset)
    sampler = RandomMultipleGallerySampler(rows, num_instances) if num_instances > 0 else None
    photos = Preprocessor(rows, root=dataset.images_dir, transform=augmented(height, width))
    return training_batches(photos, sampler, batch_size, workers, iters)


def get_test_loader(dataset, height, width, batch_size, workers, testset=None):
    """Load photos for their features."""
    rows = list(set(dataset.query) | set(dataset.gallery)) if testset is None else testset
    return test_batches(rows, dataset.images_dir, height, width, batch_size, workers)


def create_model(args):
    """Build the network."""
    model = models.create(args.arch, num_features=args.features, norm=True, dropout=args.dropout, num_classes=0)
    model.cuda()
    return nn.DataParallel(model)


def number_noise(labels):
    """Give every photo without a cluster a label of its own, after those of the clusters."""
    labels = torch.as_tensor(labels, dtype=torch.int64).clone()
    noise = labels == -1
    labels[noise] = len(labels[~noise].unique()) + torch.arange(int(noise.sum()))
    return labels


def disagreement(first, second):
    """Give, for each photo, how far its groups in two labellings differ: one minus their intersection over union."""
    ours, theirs = first[:, None] == first, second[:, None] == second
    return 1 - (ours & theirs).sum(1) / (ours | theirs).sum(1)


def smallest(scores, labels):
    """Give each label's smallest score."""
    return {label: scores[labels == label].min().item() for label in labels.unique().tolist()}


def main():
    """Read the arguments, fix the seed, and run."""
    args = parser.parse_args()
    if args.seed is not None:
        random.seed(args.seed)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        cudnn.deterministic = True
    main_worker(args)


def main_worker(args):
    """Train for all epochs and test the best model."""
    global start_epoch, best_mAP
    cudnn.benchmark = True
    sys.stdout = Logger(osp.join(args.logs_dir, "log.txt"))
    print(f"Args:{args}")

    iters = args.iters if args.iters > 0 else None
    dataset = get_data(args.dataset, args.data_dir)
    size = (args.height, args.width, args.batch_size, args.workers)
    test_loader = get_test_loader(dataset, *size)
    model = create_model(args)
    memory = HybridMemory(model.module.num_features, len(dataset.train), temp=args.temp, momentum=args.momentum).cuda()
    rows = sorted(dataset.train)
    features, _ = extract_features(model, get_test_loader(dataset, *size, testset=rows), print_freq=50)
    memory.features = F.normalize(torch.stack([features[path] for path, _, _ in rows]), dim=1).cuda()

    evaluator = Evaluator(model)
    weights = [{"params": [value]} for _, value in model.named_parameters() if value.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=args.lr, weight_decay=args.weight_decay)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=args.step_size, gamma=0.1)
    trainer = SpCLTrainer_USL(model, memory)

    for epoch in range(args.epochs):
        rerank_dist = compute_jaccard_distance(memory.features.clone(), k1=args.k1, k2=args.k2)
        if epoch == 0:
            shared = {"min_samples": 4, "metric": "precomputed", "n_jobs": -1}
            cluster = DBSCAN(eps=args.eps, **shared)
            cluster_tight = DBSCAN(eps=args.eps - args.eps_gap, **shared)
            cluster_loose = DBSCAN(eps=args.eps + args.eps_gap, **shared)
        pseudo_labels = number_noise(cluster.fit_predict(rerank_dist))
        tight = number_noise(cluster_tight.fit_predict(rerank_dist))
        loose = number_noise(cluster_loose.fit_predict(rerank_dist))

        compactness, independence = disagreement(pseudo_labels, tight), disagreement(pseudo_labels, loose)
        best_compactness = smallest(compactness, pseudo_labels)
        best_independence = smallest(independence, pseudo_labels)
        if epoch == 0:
            sizes = torch.bincount(pseudo_labels)
            scores = np.sort([score for label, score in best_independence.items() if sizes[label] > 1])
            threshold = scores[min(len(scores) - 1, int(np.round(0.9 * len(scores))))]

        free = len(best_independence)
        pseudo_labeled_dataset = []
        for place, (path, _, camera) in enumerate(rows):
            label = pseudo_labels[place].item()
            if best_independence[label] > threshold or compactness[place].item() > best_compactness[label]:
                label, free = free, free + 1
            pseudo_labeled_dataset.append((path, label, camera))
        pseudo_labels = torch.tensor([label for _, label, _ in pseudo_labeled_dataset])
        sizes = torch.bincount(pseudo_labels)
        print(f"Epoch {epoch}: {int((sizes > 1).sum())} clusters, {int((sizes == 1).sum())} single photos")

        memory.labels = pseudo_labels.cuda()
        train_loader = get_train_loader(
            args, dataset, *size, args.num_instances, iters, trainset=pseudo_labeled_dataset
        )
        train_loader.new_epoch()
        trainer.train(epoch, train_loader, optimizer, print_freq=args.print_freq, train_iters=len(train_loader))

        if (epoch + 1) % args.eval_step == 0 or epoch == args.epochs - 1:
            mAP = evaluator.evaluate(test_loader, dataset.query, dataset.gallery, cmc_flag=False)
            is_best = mAP > best_mAP
            best_mAP = max(mAP, best_mAP)
            state = {"state_dict": model.state_dict(), "epoch": epoch + 1, "best_mAP": best_mAP}
            save_checkpoint(state, is_best, fpath=osp.join(args.logs_dir, "checkpoint.pth.tar"))
            print(f"Epoch {epoch}: mAP {mAP:.1%}, best {best_mAP:.1%}")
        lr_scheduler.step()

    checkpoint = load_checkpoint(osp.join(args.logs_dir, "model_best.pth.tar"))
    model.load_state_dict(checkpoint["state_dict"])
    evaluator.evaluate(test_loader, dataset.query, dataset.gallery, cmc_flag=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Clusters and single photos")
    parser.add_argument("-d", "--dataset", type=str, default="market1501", choices=datasets.names())
    parser.add_argument("-b", "--batch-size", type=int, default=64)
    parser.add_argument("-j", "--workers", type=int, default=4)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--num-instances", type=int, default=4)
    parser.add_argument("--eps", type=float, default=0.6)
    parser.add_argument("--eps-gap", type=float, default=0.02)
    parser.add_argument("--k1", type=int, default=30)
    parser.add_argument("--k2", type=int, default=6)
    parser.add_argument("-a", "--arch", type=str, default="resnet50", choices=models.names())
    parser.add_argument("--features", type=int, default=0)
    parser.add_argument("--dropout", type=float, default=0)
    parser.add_argument("--momentum", type=float, default=0.2)
    parser.add_argument("--lr", type=float, default=0.00035)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--iters", type=int, default=400)
    parser.add_argument("--step-size", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print-freq", type=int, default=10)
    parser.add_argument("--eval-step", type=int, default=10)
    parser.add_argument("--temp", type=float, default=0.05)
    working_dir = osp.dirname(osp.abspath(__file__))
    parser.add_argument("--data-dir", type=str, metavar="PATH", default=osp.join(working_dir, "data"))
    parser.add_argument("--logs-dir", type=str, metavar="PATH", default=osp.join(working_dir, "logs"))
    main()
