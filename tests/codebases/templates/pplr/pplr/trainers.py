"""One epoch of training."""

import time

from torch.nn import functional as F

from .loss import refined_loss, smoothed_loss, soft_triplet_loss
from .utils.meters import AverageMeter, progress


class PPLRTrainer:
    """Trains on clusters with the agreement of global and part features."""

    names = ("Time", "L_GCE", "L_PCE", "L_TRI", "Prec")

    def __init__(self, model, score, num_class=500, num_part=6, beta=0.5, aals_epoch=5):
        self.model = model
        self.score = score
        self.num_class = num_class
        self.num_part = num_part
        self.beta = beta
        self.aals_epoch = aals_epoch

    def losses(self, epoch, outputs, targets, cameras, agreement):
        """Give the losses by name."""
        rows, _, whole, parts = outputs
        whole, parts = whole[:, : self.num_class], parts[:, : self.num_class]
        each = []
        for part in range(self.num_part):
            if epoch >= self.aals_epoch:
                each.append(smoothed_loss(parts[..., part], targets, agreement[:, part]))
            else:
                each.append(F.cross_entropy(parts[..., part], targets, label_smoothing=0.1))
        return {
            "L_GCE": refined_loss(whole, parts, targets, agreement, self.beta),
            "L_PCE": sum(each) / max(1, len(each)),
            "L_TRI": soft_triplet_loss(rows, targets),
        }

    def train(self, epoch, train_dataloader, optimizer, print_freq=1, train_iters=200):
        """Take this many steps."""
        self.model.train()
        meters = {name: AverageMeter() for name in self.names}
        for step in range(1, train_iters + 1):
            begin = time.time()
            images, _, targets, cameras, indexes = train_dataloader.next()
            agreement = self.score[indexes].cuda()
            targets = targets.cuda()
            outputs = self.model(images.cuda())
            losses = self.losses(epoch, outputs, targets, cameras.cuda(), agreement)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            for name, loss in losses.items():
                meters[name].update(loss.item())
            guess = outputs[2][:, : self.num_class].argmax(1)
            meters["Prec"].update((guess == targets).float().mean().item())
            meters["Time"].update(time.time() - begin)
            if step % print_freq == 0:
                print(progress(epoch, step, len(train_dataloader), meters))


class PPLRTrainerCAM(PPLRTrainer):
    """The same, with rows per cluster and camera."""

    names = ("Time", "L_GCE", "L_PCE", "L_TRI", "L_CAM", "Prec")

    def __init__(self, model, score, memory, memory_p, num_class=500, num_part=6, beta=0.5, aals_epoch=5, lam_cam=0.5):
        super().__init__(model, score, num_class=num_class, num_part=num_part, beta=beta, aals_epoch=aals_epoch)
        self.memory = memory
        self.memory_p = memory_p
        self.lam_cam = lam_cam

    def losses(self, epoch, outputs, targets, cameras, agreement):
        """Give the losses by name."""
        rows, parts = outputs[:2]
        found = super().losses(epoch, outputs, targets, cameras, agreement)
        each = [memory(parts[..., part], targets, cameras) for part, memory in enumerate(self.memory_p)]
        whole = self.memory(rows, targets, cameras)
        return {**found, "L_CAM": self.lam_cam * (whole + sum(each) / max(1, len(each)))}
