"""An archive from a stranger writes nothing but the images that it names, into its own folder."""

import io
import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.archive import pack, unpack
from aas_plugin.data.catalogue import make_catalogue
from aas_plugin.errors import AasError

pytestmark = pytest.mark.faults


def jpeg(seed=0):
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(held, "JPEG")
    return held.getvalue()


def plain(name, content=b"", **more):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in more.items():
        setattr(member, key, value)
    return member, content


GOOD = [
    plain("catalogue.csv", b"path,identity\nzebra.jpg,a\nherd/lion.jpg,b\n"),
    plain("name", b"herd"),
    plain("images/zebra.jpg", jpeg(0)),
    plain("images/herd/lion.jpg", jpeg(1)),
]


def write(path, members):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return path


def link(name, target, kind):
    return plain(name, type=kind, linkname=target)


EVIL = {
    "a path outside": plain("../evil.jpg", b"x"),
    "a path outside, deep": plain("images/../../evil.jpg", b"x"),
    "an absolute path": plain("/tmp/evil.jpg", b"x"),
    "a backslash": plain("images\\..\\..\\evil.jpg", b"x"),
    "a drive": plain("C:/evil.jpg", b"x"),
    "a drive, relative": plain("c:evil.jpg", b"x"),
    "a NUL": plain("images/evil.jpg", b"x", pax_headers={"path": "images/zebra.jpg\0.png"}),
    "a link inside": link("images/link.jpg", "zebra.jpg", tarfile.SYMTYPE),
    "a link outside": link("images/link.jpg", "/etc/passwd", tarfile.SYMTYPE),
    "a hard link": link("images/link.jpg", "images/zebra.jpg", tarfile.LNKTYPE),
    "a hard link outside": link("images/link.jpg", "/etc/passwd", tarfile.LNKTYPE),
    "a folder that is a link": link("images/herd2", "..", tarfile.SYMTYPE),
    "a device": plain("images/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "a disk": plain("images/sda", type=tarfile.BLKTYPE, devmajor=8, devminor=0),
    "a pipe": plain("images/pipe.jpg", type=tarfile.FIFOTYPE),
    "a folder": plain("images/more", type=tarfile.DIRTYPE),
    "an image twice": plain("images/zebra.jpg", jpeg(2)),
    "an image twice, but for its case": plain("images/ZEBRA.jpg", jpeg(2)),
    "a second catalogue": plain("catalogue.csv", b"path\nother.jpg\n"),
    "what nobody asked for": plain("images/more.jpg", jpeg(3)),
    "a sparse bomb": plain(
        "images/bomb.jpg", b"0\n", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                               "GNU.sparse.name": "images/bomb.jpg", "GNU.sparse.realsize": str(2**40)},
    ),
    "a size beyond all": plain("images/bomb.jpg", b"x" * 600, pax_headers={"size": str(2**62)}),
}  # fmt: skip


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_good_one_comes_through(tmp_path):
    assert list(unpack(write(tmp_path / "herd.tar", GOOD)).table["identity"]) == ["a", "b"]


@pytest.mark.parametrize("first", (False, True), ids=["behind", "before"])
@pytest.mark.parametrize("evil", EVIL)
def test_nothing_of_an_evil_one_is_left(tmp_path, evil, first):
    inside = tmp_path / "in" / "here"
    inside.mkdir(parents=True)
    members = [EVIL[evil], *GOOD] if first else [*GOOD, EVIL[evil]]
    path = write(inside / "herd.tar", members)
    with pytest.raises(AasError, match="holds no packed data set"):
        unpack(path)
    assert everything(tmp_path) == ["in", "in/here", "in/here/herd.tar"]


def test_thousands_of_members_are_refused_at_once(tmp_path):
    many = (plain(f"images/{number}.jpg") for number in range(2_000))
    path = write(tmp_path / "herd.tar", [*GOOD, *many])
    with pytest.raises(AasError, match=r"'images/0.jpg'.* and 1995 more is none of its images"):
        unpack(path)
    assert everything(tmp_path) == ["herd.tar"]


@pytest.mark.parametrize("missing", range(4))
def test_what_is_missing_is_told(tmp_path, missing):
    path = write(tmp_path / "herd.tar", [member for place, member in enumerate(GOOD) if place != missing])
    with pytest.raises(AasError):
        unpack(path)


@pytest.mark.parametrize("name", ["a\\b.jpg", "c:zebra.jpg"])
def test_what_could_not_be_unpacked_is_not_packed(tmp_path, name):
    (tmp_path / name).write_bytes(jpeg())
    with pytest.raises(AasError, match=r"cannot be packed.*rename it"):
        pack(make_catalogue("herd", tmp_path, pd.DataFrame({"path": [name]})), tmp_path / "herd.tar")
    assert not (tmp_path / "herd.tar").exists()
