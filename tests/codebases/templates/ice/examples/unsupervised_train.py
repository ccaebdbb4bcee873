"""Training on clusters, hard photos and cameras, with a teacher that follows the student."""

import argparse
import os.path as osp
import random
import sys
import time

import numpy as np
import torch
from ice import datasets, models
from ice.evaluators import Evaluator, extract_features
from ice.trainers import ImageTrainer
from ice.utils.data.loaders import augmented, plain, test_batches, training_batches
from ice.utils.data.three_views import MoreCameraSampler, Preprocessor_mutual
from ice.utils.faiss_rerank import compute_jaccard_distance
from ice.utils.logging import Logger
from ice.utils.lr_scheduler import WarmupMultiStepLR
from ice.utils.serialization import copy_state_dict, load_checkpoint, save_checkpoint
from sklearn.cluster import DBSCAN
from torch import nn
from torch.backends import cudnn
from torch.nn import functional as F

start_epoch = best_mAP = 0


def get_data(name, data_dir):
    """Read the data set."""
    return datasets.create(name, osp.join(data_dir, name))


def get_train_loader(
    dataset, height, width, batch_size, workers, num_instances, iters, trainset=None, mutual=False, index=False
):
    """Load three views of the labelled photos for training."""
    rows = sorted(dataset.train) if trainset is None else sorted(trainset)
    sampler = MoreCameraSampler(rows, num_instances) if num_instances > 0 else None
    views = {"transform": augmented(height, width), "transform_weak": plain(height, width)}
    photos = Preprocessor_mutual(rows, root=dataset.images_dir, mutual=mutual, **views)
    return training_batches(photos, sampler, batch_size, workers, iters)


def get_test_loader(dataset, height, width, batch_size, workers, testset=None):
    """Load photos for their features."""
    rows = list(set(dataset.query) | set(dataset.gallery)) if testset is None else testset
    return test_batches(rows, dataset.images_dir, height, width, batch_size, workers)


def create_model(args):
    """Build student and teacher."""
    pair = []
    for _ in range(2):
        model = models.create(args.arch, num_features=args.features, dropout=args.dropout, num_classes=0)
        model.cuda()
        pair.append(nn.DataParallel(model))
        if args.init:
            copy_state_dict(load_checkpoint(args.init)["state_dict"], pair[-1])
    return pair


def camera_means(features, labels, cams):
    """Give, per camera, the mean rows of the clusters seen there, and the clusters of all of them in a row."""
    rows, owners = [], []
    for camera in np.unique(cams):
        present = [label for label in np.unique(labels[cams == camera]) if label >= 0]
        means = [features[torch.from_numpy((cams == camera) & (labels == label))].mean(0) for label in present]
        rows.append(F.normalize(torch.stack(means), dim=1) if means else features[:0])
        owners.extend(present)
    return rows, owners


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
    """Train for all epochs and test the best teacher."""
    global start_epoch, best_mAP
    cudnn.benchmark = True
    sys.stdout = Logger(osp.join(args.logs_dir, "log.txt"))
    print(f"Args:{args}")

    iters = args.iters if args.iters > 0 else None
    dataset_target = get_data(args.dataset_target, args.data_dir)
    test_loader_target = get_test_loader(dataset_target, args.height, args.width, 256, args.workers)
    model_1, model_1_ema = create_model(args)
    weights = [
        {"params": [value], "lr": args.lr, "weight_decay": args.weight_decay}
        for value in model_1.parameters()
        if value.requires_grad
    ]
    optimizer = torch.optim.Adam(weights)
    lr_scheduler = WarmupMultiStepLR(
        optimizer, args.milestones, gamma=1, warmup_factor=0.1, warmup_iters=args.warmup_step
    )
    evaluator_1_ema = Evaluator(model_1_ema)
    folder = osp.join(args.logs_dir, args.dataset_target + "_unsupervised")

    for epoch in range(args.epochs):
        cluster_loader = get_test_loader(
            dataset_target, args.height, args.width, 256, args.workers, testset=dataset_target.train
        )
        found, _ = extract_features(model_1_ema, cluster_loader, print_freq=50)
        features = torch.stack(list(found.values()))
        rerank_dist = compute_jaccard_distance(features, k1=args.k1, k2=6)
        cluster = DBSCAN(eps=args.eps, min_samples=args.min_samples, metric="precomputed", n_jobs=-1)
        labels = cluster.fit_predict(rerank_dist)
        num_ids = len(set(labels)) - (1 if -1 in labels else 0)
        centers = torch.stack([features[torch.from_numpy(labels == number)].mean(0) for number in range(num_ids)])

        cams = np.array([camera for _, _, camera in dataset_target.train])
        intra_id_features, intra_id_labels = camera_means(features, labels, cams)
        pseudo_labeled_dataset = [
            (path, label.item(), camera)
            for (path, _, camera), label in zip(dataset_target.train, labels, strict=True)
            if label != -1
        ]
        print(f"Epoch {epoch}: {num_ids} clusters, {len(labels) - len(pseudo_labeled_dataset)} photos left out")
        train_loader_target = get_train_loader(
            dataset_target,
            args.height,
            args.width,
            args.batch_size,
            args.workers,
            args.num_instances,
            iters,
            trainset=pseudo_labeled_dataset,
            mutual=True,
        )
        trainer = ImageTrainer(
            model_1,
            model_1_ema,
            num_cluster=num_ids,
            alpha=args.alpha,
            num_instance=args.num_instances,
            tau_c=args.tau_c,
            tau_v=args.tau_v,
            scale_kl=args.scale_kl,
        )
        train_loader_target.new_epoch()
        trainer.train(
            epoch,
            train_loader_target,
            optimizer,
            print_freq=args.print_freq,
            train_iters=len(train_loader_target),
            centers=centers,
            intra_id_labels=intra_id_labels,
            intra_id_features=intra_id_features,
            cams=cams,
            all_pseudo_label=labels,
        )
        lr_scheduler.step()

        if (epoch + 1) % args.eval_step == 0:
            _, mAP_1 = evaluator_1_ema.evaluate(
                test_loader_target, dataset_target.query, dataset_target.gallery, cmc_flag=True
            )
            is_best = mAP_1 > best_mAP
            best_mAP = max(mAP_1, best_mAP)
            state = {"state_dict": model_1_ema.state_dict(), "epoch": epoch + 1, "best_mAP": best_mAP}
            save_checkpoint(state, is_best, fpath=osp.join(folder, "checkpoint.pth.tar"))

    checkpoint = load_checkpoint(osp.join(folder, "model_best.pth.tar"))
    model_1_ema.load_state_dict(checkpoint["state_dict"])
    evaluator_1_ema.evaluate(test_loader_target, dataset_target.query, dataset_target.gallery, cmc_flag=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Clusters, hard photos and cameras")
    parser.add_argument("-dt", "--dataset-target", type=str, default="market1501", choices=datasets.names())
    parser.add_argument("-b", "--batch-size", type=int, default=32)
    parser.add_argument("-j", "--workers", type=int, default=8)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--num-instances", type=int, default=4)
    parser.add_argument("-a", "--arch", type=str, default="resnet50", choices=models.names())
    parser.add_argument("--features", type=int, default=0)
    parser.add_argument("--dropout", type=float, default=0)
    parser.add_argument("--lr", type=float, default=0.00035)
    parser.add_argument("--alpha", type=float, default=0.999)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--iters", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print-freq", type=int, default=100)
    parser.add_argument("--eval-step", type=int, default=1)
    parser.add_argument("--tau-c", type=float, default=0.5)
    parser.add_argument("--tau-v", type=float, default=0.1)
    parser.add_argument("--scale-kl", type=float, default=0.4)
    parser.add_argument("--warmup-step", type=int, default=10)
    parser.add_argument("--milestones", nargs="+", type=int, default=[])
    working_dir = osp.dirname(osp.abspath(__file__))
    parser.add_argument("--data-dir", type=str, metavar="PATH", default=osp.join(working_dir, "data"))
    parser.add_argument("--logs-dir", type=str, metavar="PATH", default=osp.join(working_dir, "logs"))
    parser.add_argument("--eps", type=float, default=0.55)
    parser.add_argument("--k1", type=int, default=30)
    parser.add_argument("--min-samples", type=int, default=4)
    parser.add_argument("--init", type=str, default="", metavar="PATH")
    end = time.time()
    main()
    print(f"Seconds used: {time.time() - end:.1f}")
