"""The engine against other ways to do the same, on the same documents, cores and run.

    python benchmarks/engine.py [--model DIR] [--documents 24] [--largest 10000] [--output DIR]

Documents: the dev split of PharmaCoNER (pharmaconer/dev under FARMANER_SHARED, or under
../shared); without it, the example notes, repeated. Every row is a process of its own, so that
its peak memory is its own. The encoders of the `transformers` pipelines are randomly initialised
(speed does not depend on what they know), with a head that mostly says O, as a trained one does.
Writes engine.md, engine.json and engine.png into the output folder (default: build/benchmarks).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("FARMANER_SHARED", ROOT.parent / "shared"))
NOTE_CHARACTERS = 300
STRIDE = 64  # pieces that two windows of a pipeline share
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
PAPER = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}

# ---- the documents


def texts(n: int) -> list[str]:
    dev = SHARED / "pharmaconer" / "dev"
    folder = dev if dev.is_dir() else ROOT / "examples" / "notes"
    found = [path.read_bytes().decode("utf-8") for path in sorted(folder.glob("*.txt"))]
    return list(islice(cycle(found), n))


def one_text(n_characters: int) -> str:
    joined = "\n".join(texts(250))
    return (joined * (n_characters // len(joined) + 1))[:n_characters]


def seconds(task: Callable[[], Any]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


# ---- what each process measures; a function returns figures that JSON can hold


def farmaner_(given: argparse.Namespace, threads: int = CORES) -> dict[str, Any]:
    recognizer = load(given, threads)
    documents = documents_of(texts(given.documents))
    list(recognizer.recognize_documents(documents[:2]))  # warm
    took = min(seconds(lambda: list(recognizer.recognize_documents(documents))) for _ in range(3))
    return speed(texts(given.documents), took)


def farmaner_on_one_core(given: argparse.Namespace) -> dict[str, Any]:
    return farmaner_(given, threads=1)


def farmaner_in_two_processes(given: argparse.Namespace) -> dict[str, Any]:
    """Each takes every other document; the clock stops when both are done."""
    share = max(1, CORES // 2)
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, *arguments(given), "--child", f"half-{number}-{share}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(2)
    ]
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]  # loaded and warm
    began = time.perf_counter()
    for worker in workers:
        worker.stdin.write(b"go\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]
    took = time.perf_counter() - began
    for worker in workers:
        worker.communicate()
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {**speed(texts(given.documents), took), "peak_mb": 2 * children}


def half(given: argparse.Namespace, number: int, threads: int) -> None:
    recognizer = load(given, threads)
    documents = documents_of(texts(given.documents))[number::2]
    list(recognizer.recognize_documents(documents[:2]))
    print("ready", flush=True)
    sys.stdin.readline()
    list(recognizer.recognize_documents(documents))
    print("done", flush=True)


def pipeline_of(
    sizes: dict[str, int], vocabulary: int, given: argparse.Namespace, threads: int
) -> Any:
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast
    from transformers import pipeline as pipeline_

    from farmaner.encoders import ModelSettings

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    folder = model_folder(given)
    special = ModelSettings.read(folder).special_pieces
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), model_max_length=512
    )
    pad, cls, sep, unk = tokenizer.convert_ids_to_tokens(
        [special.pad, special.cls, special.sep, special.unk]
    )
    tokenizer.add_special_tokens(
        {"pad_token": pad, "cls_token": cls, "sep_token": sep, "unk_token": unk}
    )
    config = BertConfig(vocab_size=vocabulary, num_hidden_layers=12, num_labels=7, **sizes)
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        model.classifier.bias[0] += 4
    return pipeline_(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        stride=STRIDE,
        aggregation_strategy="simple",
        device="cpu",
    )


def pipeline_figures(
    sizes: dict[str, int], vocabulary: int, given: argparse.Namespace, threads: int
) -> dict[str, Any]:
    run = pipeline_of(sizes, vocabulary, given, threads)
    given_texts = texts(given.documents)
    run(given_texts[:1])  # warm
    found: list[Any] = []
    took = seconds(lambda: found.extend(run(given_texts)))
    return {**speed(given_texts, took), "entities": sum(map(len, found))}


def paper_size_in_a_pipeline(given: argparse.Namespace, threads: int = CORES) -> dict[str, Any]:
    return pipeline_figures(PAPER, 119_547, given, threads)


def paper_size_on_one_core(given: argparse.Namespace) -> dict[str, Any]:
    return paper_size_in_a_pipeline(given, threads=1)


def same_encoder_in_a_pipeline(given: argparse.Namespace, threads: int = CORES) -> dict[str, Any]:
    return pipeline_figures(SMALL, 33_916, given, threads)


def same_encoder_on_one_core(given: argparse.Namespace) -> dict[str, Any]:
    return same_encoder_in_a_pipeline(given, threads=1)


def spacy_small_spanish(given: argparse.Namespace) -> dict[str, Any]:
    import spacy

    nlp = spacy.load("es_core_news_sm", disable=["parser", "lemmatizer", "morphologizer"])
    given_texts = texts(given.documents)
    list(nlp.pipe(given_texts[:2]))
    return speed(given_texts, seconds(lambda: list(nlp.pipe(given_texts))))


def growth(given: argparse.Namespace, n: int) -> dict[str, Any]:
    """Short notes, many of them, streamed."""
    recognizer = load(given)
    sources = [text[:NOTE_CHARACTERS] for text in texts(250)]
    recognizer.recognize(sources[0])
    notes = islice(cycle(sources), n)
    count = 0
    began = time.perf_counter()
    for _ in recognizer.recognize_documents(stream(notes)):
        count += 1
    took = time.perf_counter() - began
    return {"documents": count, "documents_per_s": count / took}


def length(given: argparse.Namespace, n_characters: int) -> dict[str, Any]:
    """One document of that many characters."""
    recognizer = load(given)
    recognizer.recognize(one_text(NOTE_CHARACTERS))
    text = one_text(n_characters)
    took = seconds(lambda: recognizer.recognize(text))
    return {"characters": n_characters, "characters_per_s": n_characters / took}


def latency(given: argparse.Namespace) -> dict[str, Any]:
    """One short note a call, warm."""
    recognizer = load(given)
    notes = [text[:NOTE_CHARACTERS] for text in texts(100)]
    for note in notes:
        recognizer.recognize(note)
    took = [seconds(lambda note=note: recognizer.recognize(note)) for note in notes * 2]  # type: ignore[misc]
    return {"median_ms": 1e3 * statistics.median(took), "p95_ms": 1e3 * np.quantile(took, 0.95)}


def cold_start(given: argparse.Namespace) -> dict[str, Any]:
    """From the shell to the first document of `farmaner annotate`; best of five."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "note.txt"
        note.write_text(one_text(NOTE_CHARACTERS), encoding="utf-8")
        command = [sys.executable, "-m", "farmaner", "annotate", str(note)]
        command += ["--model", str(given.model)] if given.model else []
        took = [
            seconds(lambda: subprocess.run(command, capture_output=True, check=True))
            for _ in range(5)
        ]
    return {"seconds": min(took)}


def stages(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each stage, one after the other, and how full the batches are."""
    from farmaner.formats.jsonl import format_jsonl
    from farmaner.windows import plan_batches

    recognizer = load(given)
    list(recognizer.recognize_documents(documents_of(texts(2))))
    took: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        took[name] = took.get(name, 0.0) + now - began
        began = now

    sources = texts(given.documents)
    documents = documents_of(sources)
    lap("read")
    rounds = [round_ for round_, _ in recognizer._rounds(documents)]
    lap("tokenize")
    answers = [recognizer._encode(round_) for round_ in rounds]
    lap("infer")
    found = [list(recognizer._stitch_round(*pair)) for pair in zip(rounds, answers)]
    lap("decode")
    with Path(os.devnull).open("w") as sink:
        sink.writelines(format_jsonl(document) for part in found for document in part)
    lap("write")
    windows = [window for round_ in rounds for one in round_ for window in one.cut.windows]
    lengths = [len(window.piece_ids) for window in windows]
    per_piece, per_square = operations(given)
    n_operations = sum(per_piece * n + per_square * n * n for n in lengths)
    batched = 0
    for rows in plan_batches(lengths, max_batch_pieces=2048):
        batched += max(lengths[row] for row in rows) * len(rows)
    return {
        **took,
        "pieces": sum(lengths),
        "windows": len(lengths),
        "padded_share_in_batches_of_2048": sum(lengths) / batched,
        "operations": n_operations,
        "operations_per_s": n_operations / took["infer"],
    }


def operations(given: argparse.Namespace) -> tuple[float, float]:
    """Return the multiplications and additions a piece, and a pair of pieces, takes."""
    import onnx

    graph = onnx.load(model_folder(given) / "onnx" / "model_int8.onnx").graph
    dims = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    per_piece, per_pair = 0, 0
    for node in graph.node:
        if node.op_type in {"DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits"}:
            per_piece += 2 * int(np.prod(dims[node.input[1]]))
        if node.op_type in {"Softmax", "Attention"}:
            per_pair += 4 * SMALL["hidden_size"]
    return per_piece, per_pair


def int8_peak(_: argparse.Namespace) -> dict[str, Any]:
    """Multiplications and additions a second of uint8 by int8 products, all cores at once."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rows, inner, columns, repeats = 128, 1536, 384, 400
    random = np.random.default_rng(0)
    weight = random.integers(-127, 128, (inner, columns)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "peak",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [rows, columns])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = random.integers(0, 256, (rows, inner)).astype(np.uint8)

    def work(_: int) -> None:
        for _ in range(repeats):
            session.run(None, {"x": x})

    with ThreadPoolExecutor(CORES) as pool:
        best = min(seconds(lambda: list(pool.map(work, range(CORES)))) for _ in range(5))
    return {"operations_per_s": CORES * repeats * 2 * rows * inner * columns / best}


# ---- helpers of the measuring processes


def model_folder(given: argparse.Namespace) -> Path:
    from farmaner.recognizer import bundled_model

    return given.model or bundled_model()


def load(given: argparse.Namespace, threads: int = CORES) -> Any:
    import farmaner

    return farmaner.load(given.model, threads=threads)


def documents_of(given_texts: list[str]) -> list[Any]:
    return list(stream(iter(given_texts)))


def stream(given_texts: Iterator[str]) -> Iterator[Any]:
    from farmaner.document import Document

    return (Document(str(number), text) for number, text in enumerate(given_texts))


def speed(given_texts: list[str], took: float) -> dict[str, Any]:
    n_characters = sum(map(len, given_texts))
    return {"documents_per_s": len(given_texts) / took, "characters_per_s": n_characters / took}


# ---- the run


FARMANER, ONE_CORE = "farmaner", ", one core"
SAME, PAPER_SIZE = (
    "transformers pipeline, same encoder",
    "transformers pipeline, paper-size encoder",
)
SYSTEMS: dict[str, Callable[..., dict[str, Any]]] = {
    FARMANER: farmaner_,
    "farmaner, two processes": farmaner_in_two_processes,
    SAME: same_encoder_in_a_pipeline,
    PAPER_SIZE: paper_size_in_a_pipeline,
    "spaCy es_core_news_sm": spacy_small_spanish,
    FARMANER + ONE_CORE: farmaner_on_one_core,
    SAME + ONE_CORE: same_encoder_on_one_core,
    PAPER_SIZE + ONE_CORE: paper_size_on_one_core,
}
CHILDREN = SYSTEMS | {
    "stages": stages,
    "latency": latency,
    "cold start": cold_start,
    "int8 peak": int8_peak,
}


def arguments(given: argparse.Namespace) -> list[str]:
    model = ["--model", str(given.model)] if given.model else []
    return ["--documents", str(given.documents), *model]


def child(given: argparse.Namespace) -> None:
    name, _, number = given.child.partition("=")
    if name.startswith("half-"):
        half(given, *map(int, name.split("-")[1:]))
        return
    if number:
        result = {"growth": growth, "length": length}[name](given, int(number))
    else:
        result = CHILDREN[name](given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mb": peak, **result}))


def measured(name: str, given: argparse.Namespace) -> dict[str, Any] | None:
    """Run one measurement in a process of its own; None, with one line, where it cannot be."""
    command = [sys.executable, "-W", "ignore", __file__, *arguments(given), "--child", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["no output"]
        print(f"{name}: left out ({reason[0][:100]})", file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {json.dumps(result)}", file=sys.stderr)
    return result


def report(results: dict[str, Any], given: argparse.Namespace) -> str:
    lines = [
        f"{given.documents} documents, {CORES} cores.",
        "",
        "| system | documents/s | characters/s | peak MB | farmaner is faster by |",
        "|---|---|---|---|---|",
    ]
    for name in filter(results.get, SYSTEMS):
        found = results[name]
        own = results[FARMANER + ONE_CORE if name.endswith(ONE_CORE) else FARMANER]
        times = own["documents_per_s"] / found["documents_per_s"]
        row = (
            f"| {name} | {found['documents_per_s']:.2f} | {found['characters_per_s']:,.0f} "
            f"| {found['peak_mb']:.0f} | {times:.1f} |"
        )
        lines += [row]
    if found := results.get("stages"):
        whole = sum(found[name] for name in STAGES)
        lines += ["", "| stage | seconds | share |", "|---|---|---|"]
        lines += [f"| {s} | {found[s]:.3f} | {100 * found[s] / whole:.1f} % |" for s in STAGES]
        lines += [
            "",
            f"Padding: none; batches of 2048 padded pieces would be filled to "
            f"{100 * found['padded_share_in_batches_of_2048']:.1f} %.",
        ]
        if peak := results.get("int8 peak"):
            reached, top = found["operations_per_s"] / 1e9, peak["operations_per_s"] / 1e9
            lines += [
                f"The encoder does {reached:,.0f} billion operations a second, "
                f"{100 * reached / top:.0f} % of the cores' int8 peak ({top:,.0f})."
            ]
    if found := results.get("latency"):
        lines += [
            f"One note of {NOTE_CHARACTERS} characters: median {found['median_ms']:.1f} ms, "
            f"95 % within {found['p95_ms']:.1f} ms."
        ]
    if found := results.get("cold start"):
        lines += [f"From the shell to the first entities: {found['seconds']:.2f} s."]
    lines += [
        "",
        f"| notes of {NOTE_CHARACTERS} characters | documents/s | peak MB |",
        "|---|---|---|",
    ]
    lines += [
        f"| {r['documents']:,} | {r['documents_per_s']:.1f} | {r['peak_mb']:.0f} |"
        for r in results["growth"]
    ]
    lines += ["", "| one document of characters | characters/s | peak MB |", "|---|---|---|"]
    lines += [
        f"| {r['characters']:,} | {r['characters_per_s']:,.0f} | {r['peak_mb']:.0f} |"
        for r in results["length"]
    ]
    return "\n".join(lines) + "\n"


STAGES = ("read", "tokenize", "infer", "decode", "write")


def draw(results: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    bars, grow = figure.subplots(1, 2, width_ratios=(3, 2))
    names = [name for name in reversed(SYSTEMS) if results.get(name)]
    values = [results[name]["documents_per_s"] for name in names]
    bars.bar_label(bars.barh(names, values, color="#2f6f8f"), fmt="%.1f", padding=3)
    bars.set_xlabel("documents a second")
    bars.margins(x=0.15)
    grow.plot(
        [r["documents"] for r in results["growth"]],
        [r["peak_mb"] for r in results["growth"]],
        "o-",
        color="#2f6f8f",
    )
    grow.set(xscale="log", xlabel="notes streamed", ylabel="peak memory, MB", ylim=(0, 250))
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", type=Path)
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--largest", type=int, default=10_000, help="most notes to stream")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "benchmarks")
    parser.add_argument("--only", nargs="*", help="names of the measurements to make")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given)
        return 0
    names = given.only or list(CHILDREN)
    results: dict[str, Any] = {name: measured(name, given) for name in names}
    sizes = [n for n in (10, 100, 1_000, 10_000) if n <= given.largest]
    results["growth"] = [r for n in sizes if (r := measured(f"growth={n}", given))]
    lengths = [n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= 100 * given.largest]
    results["length"] = [r for n in lengths if (r := measured(f"length={n}", given))]
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "engine.json").write_text(json.dumps(results, indent=2) + "\n")
    table = report(results, given)
    (given.output / "engine.md").write_text(table)
    print(table)
    draw(results, given.output / "engine.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
