# ruff: noqa: E402
"""Training on clusters of the whole photo and its halves, beginning with those of a teacher."""

import argparse
import os
import os.path as osp
import random
import sys

os.chdir(sys.path[0])
sys.path.append("../")

import numpy as np
import torch
from Purification import datasets, models
from Purification.evaluators import Evaluator, extract_features
from Purification.models.cm import ClusterMemory
from Purification.trainers import Trainer
from Purification.utils.data.loaders import augmented, test_batches, training_batches
from Purification.utils.data.preprocessor import Preprocessor
from Purification.utils.data.sampler import RandomMultipleGallerySampler, RandomMultipleGallerySamplerNoCam
from Purification.utils.faiss_rerank import compute_jaccard_distance
from Purification.utils.logging import Logger
from Purification.utils.serialization import copy_state_dict, load_checkpoint, save_checkpoint
from sklearn.cluster import DBSCAN
from torch import nn
from torch.backends import cudnn
from torch.nn import functional as F

start_epoch = best_mAP = 0


def get_data(name, data_dir):
    """Read the data set."""
    return datasets.create(name, osp.join(data_dir, name))


def get_train_loader(
    args, dataset, height, width, batch_size, workers, num_instances, iters, trainset=None, no_cam=False
):
    """Load the labelled photos for training."""
    rows = sorted(dataset.train) if trainset is None else sorted(trainset)
    kind = RandomMultipleGallerySamplerNoCam if no_cam else RandomMultipleGallerySampler
    sampler = kind(rows, num_instances) if num_instances > 0 else None
    photos = Preprocessor(rows, root=dataset.images_dir, transform=augmented(height, width))
    return training_batches(photos, sampler, batch_size, workers, iters)


def get_test_loader(dataset, height, width, batch_size, workers, testset=None):
    """Load photos for their features."""
    rows = list(set(dataset.query) | set(dataset.gallery)) if testset is None else testset
    return test_batches(rows, dataset.images_dir, height, width, batch_size, workers)


def create_model(args):
    """Build the network."""
    model = models.create(
        args.arch,
        num_features=args.features,
        norm=True,
        dropout=args.dropout,
        num_classes=0,
        pooling_type=args.pooling_type,
    )
    model.cuda()
    return nn.DataParallel(model)


@torch.no_grad()
def cluster_means(labels, features):
    """Give the mean row of every cluster, by rising label."""
    return torch.stack(
        [features[torch.from_numpy(labels == label)].mean(0) for label in np.unique(labels[labels >= 0])]
    )


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

    dataset = get_data(args.dataset, args.data_dir)
    size = (args.height, args.width, args.batch_size, args.workers)
    test_loader = get_test_loader(dataset, *size)
    model_teacher = models.create(
        args.arch,
        pretrained=False,
        num_features=args.features,
        dropout=args.dropout,
        num_classes=0,
        pooling_type=args.pooling_type,
    )
    copy_state_dict(load_checkpoint(args.teacher_path)["state_dict"], model_teacher, strip="module.")
    model_teacher.cuda()
    model_teacher = nn.DataParallel(model_teacher)
    model = create_model(args)
    evaluator = Evaluator(model)
    weights = [{"params": [value]} for _, value in model.named_parameters() if value.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=args.lr, weight_decay=args.weight_decay)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=args.step_size, gamma=0.1)
    trainer = Trainer(model, model_teacher)
    rows = sorted(dataset.train)

    for epoch in range(-1, args.epochs):
        source = model_teacher if epoch == -1 else model
        found = extract_features(source, get_test_loader(dataset, *size, testset=rows), print_freq=50)[:3]
        features, features_up, features_down = (torch.stack([part[path] for path, _, _ in rows]) for part in found)
        rerank_dist = compute_jaccard_distance(features, k1=args.k1, k2=args.k2)
        rerank_dist_up = compute_jaccard_distance(features_up, k1=args.k1, k2=args.k2)
        rerank_dist_down = compute_jaccard_distance(features_down, k1=args.k1, k2=args.k2)
        share = args.lambda1
        rerank_dist = (1.0 - 2 * share) * rerank_dist + share * rerank_dist_up + share * rerank_dist_down
        if epoch == -1:
            cluster = DBSCAN(eps=args.eps, min_samples=4, metric="precomputed", n_jobs=-1)
        pseudo_labels = cluster.fit_predict(rerank_dist)
        num_cluster = len(set(pseudo_labels)) - (1 if -1 in pseudo_labels else 0)

        memory = ClusterMemory(
            model.module.num_features,
            num_cluster,
            temp=args.temp,
            momentum=args.momentum,
            use_hard=args.use_hard,
            lambda2=args.lambda2,
            mu=args.mu,
        ).cuda()
        memory.features = F.normalize(cluster_means(pseudo_labels, features), dim=1).cuda()
        memory.features_up = F.normalize(cluster_means(pseudo_labels, features_up), dim=1).cuda()
        memory.features_down = F.normalize(cluster_means(pseudo_labels, features_down), dim=1).cuda()
        trainer.memory = memory

        pseudo_labeled_dataset = [
            (path, label.item(), camera)
            for (path, _, camera), label in zip(rows, pseudo_labels, strict=True)
            if label != -1
        ]
        print(f"Epoch {epoch}: {num_cluster} clusters, {len(rows) - len(pseudo_labeled_dataset)} photos left out")
        iters = args.iters * 2 if epoch == -1 else args.iters
        train_loader = get_train_loader(
            args, dataset, *size, args.num_instances, iters, trainset=pseudo_labeled_dataset, no_cam=args.no_cam
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
    parser = argparse.ArgumentParser(description="The whole and its halves")
    parser.add_argument("-d", "--dataset", type=str, default="market1501", choices=datasets.names())
    parser.add_argument("-b", "--batch-size", type=int, default=2)
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
    parser.add_argument("--momentum", type=float, default=0.1)
    parser.add_argument("--lr", type=float, default=0.00035)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--iters", type=int, default=400)
    parser.add_argument("--step-size", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print-freq", type=int, default=10)
    parser.add_argument("--eval-step", type=int, default=10)
    parser.add_argument("--temp", type=float, default=0.05)
    working_dir = osp.join(osp.dirname(osp.abspath(__file__)), "..")
    parser.add_argument("--data-dir", type=str, metavar="PATH", default=osp.join(working_dir, "data"))
    parser.add_argument("--logs-dir", type=str, metavar="PATH", default=osp.join(working_dir, "logs"))
    parser.add_argument("--pooling-type", type=str, default="gem")
    parser.add_argument("--use-hard", action="store_true")
    parser.add_argument("--no-cam", action="store_true")
    parser.add_argument("--lambda1", type=float, default=0.0)
    parser.add_argument("--lambda2", type=float, default=0.0)
    parser.add_argument("--teacher-path", type=str, default="logs/teacher_model.pth.tar")
    parser.add_argument("--mu", type=float, default=0.0)
    main()
