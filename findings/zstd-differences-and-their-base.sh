#!/usr/bin/env bash
# What zstd makes of a frame that was compressed against one document and is decompressed against another (`--patch-from` in
# Python: a raw dictionary or prefix): a document that nobody wrote. One would expect an error, as with a trained dictionary.
#
# Seen with backports.zstd 1.8.0 (compression.zstd of Python 3.14) and zstandard 0.25.0. Tuesday's offsets of 2,000 topics, ten of them
# changed, packed against Monday's and unpacked against those of another cluster, which has the same topics:
#
#                                                      against Monday's   against the other cluster's
#   raw dictionary or prefix, as it is                 Tuesday's          valid JSON: 1,990 offsets of the other cluster, ten of nobody
#   the same with a checksum                           Tuesday's          ZstdError
#   trained dictionary, without a checksum             Tuesday's          ZstdError
#
# A raw dictionary has no id that the frame could name, and a frame has no checksum unless one asks for it (`checksum_flag`,
# `write_checksum`), while the command `zstd` always writes one. So a store of differences that loses track of a base, or replaces
# it, returns plausible data of something else. Four bytes a frame avoid it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check backports.zstd==1.8.0 zstandard==0.25.0
"$folder/venv/bin/python" - <<'PYTHON'
import json
import random
from importlib.metadata import version

import zstandard
from backports import zstd

NUMBERS = random.Random(7)
CHECKSUM = zstd.CompressionParameter.checksum_flag


def offsets():
    return {f"topic-{number:04}": NUMBERS.randrange(10**9, 10**10) for number in range(2_000)}


def document(ends):
    return json.dumps(ends).encode()


def by_prefix(data, base, checksum):
    return zstd.compress(data, options={CHECKSUM: checksum}, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)


def by_raw(data, base, checksum):
    return zstd.compress(data, options={CHECKSUM: checksum}, zstd_dict=zstd.ZstdDict(base, is_raw=True))


def by_zstandard(data, base, checksum):
    known = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdCompressor(dict_data=known, write_checksum=bool(checksum)).compress(data)


def from_prefix(frame, base):
    return zstd.decompress(frame, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)


def from_raw(frame, base):
    return zstd.decompress(frame, zstd_dict=zstd.ZstdDict(base, is_raw=True))


def from_zstandard(frame, base):
    known = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdDecompressor(dict_data=known).decompress(frame)


def refused(unpack, frame, base):
    try:
        unpack(frame, base)
    except (zstd.ZstdError, zstandard.ZstdError) as error:
        return str(error)
    raise SystemExit("this has changed: another base passes")


monday, other = offsets(), offsets()
tuesday = monday | {f"topic-{number:04}": NUMBERS.randrange(10**9, 10**10) for number in range(0, 2_000, 200)}
before, elsewhere, after = map(document, (monday, other, tuesday))
print("backports.zstd", version("backports.zstd"), "zstandard", version("zstandard"))
for name, pack, unpack in (
    ("prefix", by_prefix, from_prefix), ("raw dictionary", by_raw, from_raw), ("zstandard", by_zstandard, from_zstandard)
):
    frame, checked = pack(after, before, 0), pack(after, before, 1)
    assert unpack(frame, before) == unpack(checked, before) == after
    found = json.loads(unpack(frame, elsewhere))
    of_other = sum(found[topic] == other[topic] for topic in found)
    of_nobody = sum(end not in (other[topic], monday[topic], tuesday[topic]) for topic, end in found.items())
    print(f"{name}: {len(frame)} bytes; against another base {len(found)} topics, {of_other} offsets of it, {of_nobody} of nobody")
    assert list(found) == list(tuesday) and (of_other, of_nobody) == (1_990, 10), (of_other, of_nobody)
    print(f"{name}, {len(checked)} bytes with a checksum:", refused(unpack, checked, elsewhere))

samples = {base: [base[at : at + 4_000] for at in range(0, len(base), 100)] for base in (before, elsewhere)}
mine, others = (zstd.train_dict(samples[base], 8_000) for base in (before, elsewhere))
frame = zstd.compress(after, options={CHECKSUM: 0}, zstd_dict=mine)
assert zstd.decompress(frame, zstd_dict=mine) == after
print("trained dictionary:", refused(lambda frame, known: zstd.decompress(frame, zstd_dict=known), frame, others))
PYTHON
