"""One epoch of training."""

import time

import torch

from .utils.meters import AverageMeter, progress


class Trainer:
    """Trains an encoder against a memory, with a teacher beside it."""

    def __init__(self, encoder, encoder_teacher, memory=None):
        self.encoder = encoder
        self.encoder_teacher = encoder_teacher
        self.memory = memory

    def train(self, epoch, data_loader, optimizer, print_freq=10, train_iters=400):
        """Take this many steps."""
        self.encoder.train()
        self.encoder_teacher.train()
        meters = {name: AverageMeter() for name in ("Time", "Data", "Loss")}
        for step in range(1, train_iters + 1):
            begin = time.time()
            images, _, labels, _, _ = data_loader.next()
            images = images.cuda()
            meters["Data"].update(time.time() - begin)
            with torch.no_grad():
                wanted = self.encoder_teacher(images)
            loss = self.memory(*self.encoder(images), *wanted, labels.cuda(), epoch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            meters["Loss"].update(loss.item())
            meters["Time"].update(time.time() - begin)
            if step % print_freq == 0:
                print(progress(epoch, step, len(data_loader), meters))
