"""One epoch of training."""

import time

from .utils.meters import AverageMeter, progress


class ClusterContrastTrainer:
    """Trains an encoder against the memory that the script sets anew in every epoch."""

    def __init__(self, encoder, memory=None):
        self.encoder = encoder
        self.memory = memory

    def train(self, epoch, data_loader, optimizer, print_freq=10, train_iters=400):
        """Take this many steps."""
        self.encoder.train()
        meters = {name: AverageMeter() for name in ("Time", "Data", "Loss")}
        for step in range(1, train_iters + 1):
            begin = time.time()
            images, _, labels, _, _ = data_loader.next()
            meters["Data"].update(time.time() - begin)
            loss = self.memory(self.encoder(images.cuda()), labels.cuda())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            meters["Loss"].update(loss.item())
            meters["Time"].update(time.time() - begin)
            if step % print_freq == 0:
                print(progress(epoch, step, len(data_loader), meters))
