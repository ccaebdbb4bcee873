"""One epoch of training."""

import time

from .utils.meters import AverageMeter, progress


class ClusterContrastTrainer:
    """Trains an encoder against two memories that the script sets in every epoch."""

    def __init__(self, encoder, memory=None, memory_instance=None):
        self.encoder = encoder
        self.memory = memory
        self.memory_instance = memory_instance

    def train(self, epoch, num_cluster, data_loader, data_loader_label, optimizer, print_freq=10, train_iters=400):
        """Take this many steps; of two batches only the second is used."""
        self.encoder.train()
        meters = {name: AverageMeter() for name in ("Time", "Data", "loss", "loss_class", "loss_instance")}
        for step in range(1, train_iters + 1):
            begin = time.time()
            data_loader.next()
            images, _, labels, _, _ = data_loader_label.next()
            meters["Data"].update(time.time() - begin)
            rows, labels = self.encoder(images.cuda()), labels.cuda()
            by_photo = self.memory_instance(rows, labels, 0.1)
            by_cluster = self.memory(rows, labels, 0.1)
            loss = by_cluster + 1.2 * by_photo
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for name, value in (("loss", loss), ("loss_class", by_cluster), ("loss_instance", by_photo)):
                meters[name].update(value.item())
            meters["Time"].update(time.time() - begin)
            if step % print_freq == 0:
                print(progress(epoch, step, len(data_loader), meters))
