"""A folder of questions with drawn photos, and the page's server at work on it."""

import itertools
import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.serving import serve
from aas_plugin.constraints.listed import keep_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.catalogue import content_hash
from aas_plugin.files import write_json_lines

IDS = map("{:016x}".format, itertools.count(1))
TAB = "ab" * 8


def draw(path, seed, size=(320, 240), **saved):
    """A photo that no other is like."""
    rng = np.random.default_rng(seed)
    spots = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    spots.resize(size, Image.Resampling.BICUBIC).save(path, **saved)
    return path


def ask(folder, photos, pairs, cycle=1):
    """Leave questions about drawn photos, by their numbers, in a folder."""
    names = [f"who/{number:02d}.jpg" for number in range(1 + max(itertools.chain(*pairs)))]
    for number, name in enumerate(names):
        if not (photos / name).exists():
            draw(photos / name, number)
    if not (folder / "images.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        keep_images(folder, Images(names, [content_hash(photos / name) for name in names]))
    rows = [{"a": names[a], "b": names[b], "kind": "over", "cycle": cycle} for a, b in pairs]
    write_json_lines(folder / "pending.jsonl", rows)


class Page:
    """A server at work, and a way to talk to it."""

    def __init__(self, folder, photos, **options):
        self.folder, self.photos = folder, photos
        self.queue = QuestionQueue(folder, root=photos, **options)
        self.serving = serve(self.queue, Photos(self.queue, photos), port=0)
        self.url = self.serving.url
        self.port = urlsplit(self.url).port

    def request(self, method, path, body=None, headers=None):
        """A request as it is said; gives the status, the headers and the body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        found = connection.getresponse()
        told = found.status, dict(found.getheaders()), found.read()
        connection.close()
        return told

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, json.loads(body)

    def post(self, path, **body):
        kind = {"Content-Type": "application/json"}
        status, _, told = self.request("POST", path, json.dumps(body), kind)
        return status, json.loads(told)

    def say(self, pair, decision, person="Ada", **more):
        return self.post("/api/answers", id=next(IDS), person=person, tab=TAB, pair=pair, decision=decision, **more)

    def log(self):
        path = self.folder / "answers.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
