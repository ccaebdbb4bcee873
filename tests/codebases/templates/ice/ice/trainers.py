"""One epoch of training."""

import time

import torch
from torch.nn import functional as F

from .utils.meters import AverageMeter


class ImageTrainer:
    """Trains a student on clusters and cameras, with a teacher that is its running mean."""

    def __init__(
        self, model_1, model_1_ema, num_cluster=500, alpha=0.999, num_instance=4, tau_c=0.5, tau_v=0.09, scale_kl=2.0
    ):
        self.model_1 = model_1
        self.model_1_ema = model_1_ema
        self.num_cluster = num_cluster
        self.alpha = alpha
        self.tau_c = tau_c
        self.tau_v = tau_v
        self.scale_kl = scale_kl

    def proxies(self, cams, labels, features):
        """Give one row per camera and cluster, and the cluster of each; rows are found by camera number."""
        rows, owners = [], []
        for camera in torch.unique(cams):
            owners.append(torch.unique(labels[(cams == camera) & (labels >= 0)]))
            rows.append(features[camera].cuda())
        return torch.cat(rows), torch.cat(owners)

    def losses(self, student, teacher, weak, targets, centers):
        """Give the losses by name."""
        student, teacher, weak = (F.normalize(rows, dim=1) for rows in (student, teacher, weak))
        products = student @ teacher.t()
        same = targets[:, None] == targets
        partner = products.masked_fill(~same, torch.inf).amin(1, keepdim=True)
        strangers = products.masked_fill(same, -torch.inf)
        contrast = torch.cat([partner, strangers], dim=1) / self.tau_v
        logits = student @ self.rows.t() / 0.07
        share = (targets[:, None] == self.owners).float()
        share = share / share.sum(1, keepdim=True)
        relation = F.log_softmax(products / self.scale_kl, dim=1)
        wanted = F.softmax(weak @ weak.t() / self.scale_kl, dim=1)
        return {
            "Loss_ccl": F.cross_entropy(student @ centers.t() / self.tau_c, targets, label_smoothing=0.1),
            "Loss_hard_instance": -F.log_softmax(contrast, dim=1)[:, 0].mean(),
            "Loss_cam": -(share * F.log_softmax(logits, dim=1)).sum(1).mean(),
            "Loss_kl": 10 * F.kl_div(relation, wanted, reduction="batchmean"),
        }

    def train(
        self,
        epoch,
        data_loader_target,
        optimizer,
        print_freq=1,
        train_iters=200,
        centers=None,
        intra_id_labels=None,
        intra_id_features=None,
        cams=None,
        all_pseudo_label=None,
    ):
        """Take this many steps."""
        self.model_1.train()
        self.model_1_ema.train()
        cams, labels = torch.tensor(cams).cuda(), torch.tensor(all_pseudo_label).cuda()
        self.rows, self.owners = self.proxies(cams, labels, intra_id_features)
        centers = centers.cuda()
        clock = AverageMeter()
        meters = {name: AverageMeter() for name in ("Loss_ccl", "Loss_hard_instance", "Loss_cam", "Loss_kl")}
        for step in range(1, train_iters + 1):
            begin = time.time()
            first, plain, second, targets, _ = data_loader_target.next()
            student = self.model_1(first.to(torch.device("cuda")))
            with torch.no_grad():
                teacher, weak = self.model_1_ema(second.cuda()), self.model_1_ema(plain.cuda())
            losses = self.losses(student, teacher, weak, targets.cuda(), centers)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            for old, new in zip(self.model_1_ema.parameters(), self.model_1.parameters(), strict=True):
                old.data.mul_(self.alpha).add_(new.data, alpha=1 - self.alpha)
            for name, loss in losses.items():
                meters[name].update(loss.item())
            clock.update(time.time() - begin)
            if step % print_freq == 0:
                where = f"Epoch: [{epoch}][{step}/{len(data_loader_target)}]\tTime {clock.val:.3f} ({clock.avg:.3f})"
                print(where, *(f"{name} {meter.avg:.3f}" for name, meter in meters.items()), sep="\t")
