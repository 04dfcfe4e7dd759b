"""Fine-tuning to prediction on a small made-up set."""

import csv
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.oracles.made_up_complexes import chain_ligand, sdf, write_pair

from molinteract.affinity.ablations import displaced, graph_kind
from molinteract.affinity.contributions import contributions, write_contributions
from molinteract.affinity.evaluation import evaluate_model
from molinteract.affinity.finetune import finetune
from molinteract.affinity.graphs import GraphSet, graph_of, joined
from molinteract.affinity.items import load_complexes
from molinteract.affinity.member import Member, TrainingData, budget_batches
from molinteract.affinity.model import AffinityNetwork, load_model
from molinteract.affinity.predict import (
    model_graph,
    predict_complexes,
    predict_graphs,
    predict_items,
    predict_poses,
    write_predictions,
)
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.splits import make_split
from molinteract.affinity.tables import read_table
from molinteract.batches.collate import collate
from molinteract.core.errors import ConfigError, ModelFileError, TrainingError
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

SIZES = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=8)
RECIPE = FinetuneRecipe(
    mode="scratch", network=SIZES, hidden=(8, 4), max_epochs=6, edge_budget=150, encoder_rate=1.0, ema=0.5,
    optimiser={"learning_rate": 0.02, "warmup_steps": 0}, dropout=0.0, beside="none",
)  # fmt: skip
OFFSETS = ("node_offsets", "inter_offsets", "intra_offsets")
SPLIT = make_split(
    {p: [f"c{k}" for k in range(a, b)] for p, a, b in (("train", 0, 18), ("val", 18, 22), ("test", 22, 26))}, name="x"
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """26 complexes whose pK goes by the element of the ligand; the last row has no files."""
    folder = tmp_path_factory.mktemp("set")
    rows = ["id,protein,ligand,value,cluster"]
    for k in range(26):
        atoms = "CNO"[k % 3] * (3 + k % 5)
        write_pair(folder, f"c{k}", residues=4, start=(0, 0, 3.4 + 0.02 * k), atoms=atoms, jitter=0.2)
        rows.append(f"c{k},c{k}_pocket.pdb,c{k}_ligand.sdf,{4 + 2 * (k % 3)},t{k % 4}")
    rows.append("gone,none.pdb,none.sdf,6,t0")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    return folder / "set.csv"


@pytest.fixture(scope="module")
def loaded(table):
    return load_complexes(read_table(table))


@pytest.fixture(scope="module")
def run(loaded, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return out, finetune(loaded, SPLIT, out, recipe=RECIPE.model_copy(update={"seeds": 2, "max_epochs": 12}))


@pytest.fixture(scope="module")
def model(run):
    return load_model(run[0])


def encoder(seed=3):
    torch.manual_seed(seed)
    return InteractNN(SIZES)


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_batches_keep_the_order_and_the_budget(sizes, budget):
    order = np.random.default_rng(0).permutation(len(sizes))
    parts = list(budget_batches(order, np.array(sizes, dtype=np.int64), budget))
    assert [int(k) for part in parts for k in part] == order.tolist()
    totals = [sum(sizes[k] for k in part) for part in parts]
    assert all(total <= budget or len(part) == 1 for total, part in zip(totals, parts, strict=True))
    # no batch could have taken the first row of the next one
    assert all(t + sizes[after[0]] > budget for t, after in zip(totals, parts[1:], strict=False))


def test_something_is_learnt_and_written(run, loaded):
    out, result = run
    values = np.array([item.affinity.pk for item in loaded.items])
    spread = float(np.std(values[22:26]))
    assert result.scores["test"].rmse < 0.5 * spread
    assert result.scores["test"].n_asked == 4
    assert {p.name for p in out.iterdir()} >= {
        "config.toml", "split.json", "leaks-test.csv", "failures.csv", "log.jsonl", "predictions.csv", "scores.json", "model",
    }  # fmt: skip
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["part"] for row in rows] == ["train"] * 18 + ["val"] * 4 + ["test"] * 4
    assert any(float(row["sd"]) > 0 for row in rows)


def test_epoch_of_the_lowest_validation_error_is_kept(run):
    out, result = run
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for member in result.members:
        of_seed = [row["val_rmse"] for row in log if row["seed"] == member["seed"]]
        assert member["val_rmse"] == min(of_seed)
        assert of_seed.index(min(of_seed)) + 1 == member["epoch"]


def test_saved_model_predicts_what_the_run_wrote(run, model, table):
    with (run[0] / "predictions.csv").open() as file:
        written = {row["id"]: float(row["predicted"]) for row in csv.DictReader(file)}
    predictions = predict_items(model, read_table(table))
    assert [p.id for p in predictions] == [f"c{k}" for k in range(26)] + ["gone"]
    assert all(abs(p.pk - written[p.id]) < 2e-4 for p in predictions[:-1])
    assert (predictions[-1].reason, np.isnan(predictions[-1].pk)) == ("unreadable", True)


def test_resumed_run_equals_an_uninterrupted_one(loaded, tmp_path):
    def stop_after_three(done, total, note):
        if done == 3:
            raise KeyboardInterrupt

    whole = finetune(loaded, SPLIT, tmp_path / "whole", recipe=RECIPE)
    with pytest.raises(KeyboardInterrupt):
        finetune(loaded, SPLIT, tmp_path / "cut", recipe=RECIPE, progress=stop_after_three)
    with pytest.raises(TrainingError, match="holds a run"):
        finetune(loaded, SPLIT, tmp_path / "cut", recipe=RECIPE)
    resumed = finetune(loaded, SPLIT, tmp_path / "cut", recipe=RECIPE, resume=True)
    assert replace(resumed, run="") == replace(whole, run="")
    assert (tmp_path / "cut" / "predictions.csv").read_text() == (tmp_path / "whole" / "predictions.csv").read_text()
    other = RECIPE.model_copy(update={"edge_budget": 500})
    with pytest.raises(TrainingError, match="recipe or split differ"):
        finetune(loaded, SPLIT, tmp_path / "cut", recipe=other, resume=True)


def test_damaged_checkpoint_is_named(loaded, tmp_path):
    finetune(loaded, SPLIT, tmp_path / "run", recipe=RECIPE)
    (tmp_path / "run" / "checkpoints" / "seed-0.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelFileError, match=r"seed-0\.safetensors"):
        finetune(loaded, SPLIT, tmp_path / "run", recipe=RECIPE, resume=True)


def training_data(loaded):
    graphs = GraphSet([graph_of(c) for c in loaded.complexes])
    values = np.array([item.affinity.pk for item in loaded.items])
    return TrainingData(graphs, values, np.arange(18), np.arange(18, 22))


def weights(member):
    return {n: p.detach().clone() for n, p in member.network.encoder.named_parameters() if not n.startswith("head.")}


@pytest.mark.parametrize(("mode", "moves"), [("full", True), ("frozen", False)])
def test_encoder_moves_only_where_it_is_trained(loaded, mode, moves):
    recipe = RECIPE.model_copy(update={"mode": mode})
    member = Member(training_data(loaded), recipe, seed=0, encoder=encoder())
    before, buffers = weights(member), [b.clone() for b in member.network.encoder.buffers()]
    member.epoch()
    changed = [n for n, p in weights(member).items() if not torch.equal(p, before[n])]
    assert bool(changed) is moves
    same = all(torch.equal(a, b) for a, b in zip(buffers, member.network.encoder.buffers(), strict=True))
    assert same is not moves


def test_norms_are_frozen_or_set_anew_once(loaded):
    data = training_data(loaded)
    start = encoder()
    original = [b.clone() for b in start.buffers()]
    for norms in ("frozen", "reestimated"):
        recipe = RECIPE.model_copy(update={"mode": "full", "norms": norms})
        member = Member(data, recipe, seed=0, encoder=start)
        before = [b.clone() for b in member.network.encoder.buffers()]
        member.epoch()
        assert all(torch.equal(a, b) for a, b in zip(before, member.network.encoder.buffers(), strict=True))
        assert all(torch.equal(a, b) for a, b in zip(before, original, strict=True)) is (norms == "frozen")


def test_reestimated_statistics_are_those_of_the_training_set(loaded):
    data = training_data(loaded)
    recipe = RECIPE.model_copy(update={"mode": "full", "norms": "reestimated", "edge_budget": 10**6})
    member = Member(data, recipe, seed=0, encoder=encoder())
    batch = next(member.batches(data.train))
    norm = member.network.encoder.layers[0].convolutions["inter"].norm
    seen = []
    handle = norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        member.network(batch)
    handle.remove()
    assert torch.allclose(norm.running_mean, seen[0][:, : norm.irreps.n0e].mean(0), atol=1e-5)


@pytest.mark.parametrize(
    ("update", "with_encoder", "words"),
    [
        ({"mode": "scratch"}, True, "mode is 'scratch'"),
        ({"mode": "full"}, False, "needs a trained network"),
        ({"mode": "scratch", "norms": "frozen"}, False, "no statistics to keep"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(loaded, tmp_path, update, with_encoder, words):
    with pytest.raises(ConfigError, match=words):
        finetune(
            loaded, SPLIT, tmp_path / "run", recipe=RECIPE.model_copy(update=update),
            encoder=encoder() if with_encoder else None,
        )  # fmt: skip


def test_ids_of_the_split_that_are_absent_are_counted(loaded, tmp_path):
    split = make_split({"train": SPLIT.train, "val": SPLIT.val, "test": [*SPLIT.test, "gone", "never"]}, name="x")
    result = finetune(loaded, split, tmp_path / "run", recipe=RECIPE.model_copy(update={"max_epochs": 1}))
    assert (result.failures, result.scores["test"].n, result.scores["test"].n_asked) == (2, 4, 6)
    with (tmp_path / "run" / "failures.csv").open() as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["unreadable", "absent"]


def test_prediction_ignores_position_orientation_and_order_of_atoms(model, loaded):
    complex_ = loaded.complexes[4]
    rotation = Rotation.random(rng=1)
    moved = replace(
        complex_,
        pocket_positions=rotation.apply(complex_.pocket_positions) + 5.0,
        ligand_positions=rotation.apply(complex_.ligand_positions[::-1]) + 5.0,
        ligand=complex_.ligand[::-1],
    )
    first, second = predict_complexes(model, [complex_, moved])
    assert first.pk == pytest.approx(second.pk, abs=1e-3)


def test_value_does_not_depend_on_what_shares_the_batch(model, loaded):
    together = predict_complexes(model, loaded.complexes)
    alone = [predict_complexes(model, [c])[0] for c in loaded.complexes[:4]]
    assert [a.pk for a in alone] == pytest.approx([t.pk for t in together[:4]], abs=1e-4)


def test_value_is_clamped(loaded):
    network = AffinityNetwork(encoder()).eval()
    batch = collate(graph_of(loaded.complexes[0]), np.array([0]))
    vectors = network.vectors(batch).detach()
    for value, expected in ((99.0, 15.0), (-99.0, 0.0)):
        network.start_from(vectors.expand(2, -1), torch.full((2,), value))
        assert network(batch).item() == expected


@pytest.mark.parametrize("readout", ["sums", "vector"])
def test_head_begins_near_the_mean_whatever_the_readout(loaded, readout):
    values = torch.tensor([4.0, 8.0])
    network = AffinityNetwork(encoder(), readout=readout).eval()
    batch = collate(GraphSet([graph_of(c) for c in loaded.complexes[:2]]).cut(np.arange(2)), np.arange(2))
    network.start_from(network.vectors(batch).detach(), values)
    assert torch.allclose(network(batch), values.mean(), atol=1.0)


def test_sums_grow_with_the_complex_and_vectors_do_not(loaded):
    one = graph_of(loaded.complexes[0])
    twice = joined([one, one])
    doubled = replace(twice, **{name: np.array([0, int(getattr(twice, name)[-1])]) for name in OFFSETS})
    for readout, factor in (("sums", 2.0), ("vector", 1.0)):
        network = AffinityNetwork(encoder(), readout=readout).eval()
        with torch.no_grad():
            single, double = (network.vectors(collate(g, np.array([0]))) for g in (one, doubled))
        assert torch.allclose(double, factor * single, atol=1e-4)


def test_many_poses_in_one_protein_with_failures_by_row(model, table, tmp_path):
    text = "".join(sdf(*chain_ligand((0, 0, z), "CCOC"), title=f"z{z}") for z in (3.4, 80.0, 3.8))
    (tmp_path / "poses.sdf").write_text(text)
    first, far, last = predict_poses(model, table.parent / "c1_pocket.pdb", tmp_path / "poses.sdf")
    assert (first.id, far.id, last.id) == ("1 z3.4", "2 z80.0", "3 z3.8")
    assert (first.reason, far.reason, last.reason) == ("", "ligand_far", "")
    write_predictions(tmp_path / "out.csv", [first, far, last])
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] != "" for row in rows] == [True, False, True]


def test_what_is_out_of_the_domain_is_flagged(model, loaded):
    inside = predict_complexes(model, loaded.complexes[:18])
    assert all(p.domain_distance < 1e-3 and p.flags == () for p in inside)
    odd = replace(loaded.complexes[0], ligand=np.full_like(loaded.complexes[0].ligand, 35))
    assert "unseen_element" in predict_complexes(model, [odd])[0].flags
    complex_ = loaded.complexes[0]
    long_positions, _ = chain_ligand((0, 0, 3.4), "C" * 20)
    large = replace(complex_, ligand=np.full(20, 6, dtype=np.int16), ligand_positions=long_positions)
    assert "ligand_size" in predict_complexes(model, [large])[0].flags


def test_contribution_is_the_loss_of_pk_without_the_part(model, loaded, tmp_path):
    complex_ = loaded.complexes[5]
    rows = contributions(model, complex_)
    residues = [r for r in rows if r.kind == "residue"]
    assert len(residues) == len(complex_.residues)
    row = residues[0]
    k = [str(r) for r in complex_.residues].index(row.residue)
    keep = complex_.residue_index != k
    without = replace(
        complex_, pocket=complex_.pocket[keep], pocket_positions=complex_.pocket_positions[keep],
        residue_index=complex_.residue_index[keep],
    )  # fmt: skip
    values = predict_graphs(model, [model_graph(model, c) for c in (complex_, without)]).mean(0)
    assert row.delta == pytest.approx(values[0] - values[1], abs=1e-4)
    assert any(r.kind == "contact" for r in rows)
    assert all(abs(a.delta) >= abs(b.delta) for a, b in itertools.pairwise(residues))
    write_contributions(tmp_path / "x.csv", rows)
    assert len((tmp_path / "x.csv").read_text().splitlines()) == len(rows) + 1


@pytest.mark.parametrize("graph", ["ligand_only", "pocket_only"])
def test_model_of_one_molecule_alone_is_not_explained(model, loaded, graph):
    card = model.card | {"recipe": model.card["recipe"] | {"graph": graph}}
    with pytest.raises(ConfigError, match="one molecule alone"):
        contributions(replace(model, card=card), loaded.complexes[0])


def test_controls_on_the_graph(loaded):
    graph = graph_of(loaded.complexes[0])
    bare = graph_kind(graph, "no_contacts")
    assert (len(bare.inter_edges), len(bare.intra_edges)) == (0, len(graph.intra_edges))
    for kind, side in (("ligand_only", 1), ("pocket_only", 0)):
        part = graph_kind(graph, kind)
        assert set(part.molecule_index.tolist()) == {side}
        assert len(part.positions) == (graph.molecule_index == side).sum()
        values = AffinityNetwork(encoder()).eval()(collate(part, np.array([0])))
        assert torch.isfinite(values).all()


def test_displaced_pose_keeps_the_ligand_and_moves_it(loaded):
    complex_ = loaded.complexes[0]
    graph, moved = graph_of(complex_), graph_of(displaced(complex_, 4.0, seed=0))
    sides = graph.molecule_index
    centres = [g.positions[sides == 1].mean(0) - g.positions[sides == 0].mean(0) for g in (graph, moved)]
    assert np.linalg.norm(centres[1] - centres[0]) == pytest.approx(4.0)
    assert len(moved.intra_edges) == len(graph.intra_edges)


def test_evaluation_counts_what_it_could_not_use(model, table):
    found = evaluate_model(model, read_table(table))
    assert (found.scores.n, found.scores.n_asked, found.scores.n_clusters) == (26, 27, 4)
    assert found.text().startswith("all: 26 evaluated of 27")


def test_members_that_share_a_frozen_encoder_are_saved_with_it_once(loaded, tmp_path):
    recipe = RECIPE.model_copy(update={"mode": "frozen", "seeds": 2})
    finetune(loaded, SPLIT, tmp_path, recipe=recipe, encoder=encoder())
    first, second = (tmp_path / "model" / f"network-{k}.safetensors" for k in range(2))
    assert second.stat().st_size < 0.3 * first.stat().st_size
    members = load_model(tmp_path).networks
    assert members[0].encoder is members[1].encoder
    assert not torch.equal(members[0].head[1].weight, members[1].head[1].weight)
    with (tmp_path / "predictions.csv").open() as file:
        written = [float(row["predicted"]) for row in csv.DictReader(file)]
    assert [p.pk for p in predict_complexes(load_model(tmp_path), loaded.complexes)] == pytest.approx(written, abs=2e-4)


def test_missing_and_damaged_models_are_named(run, tmp_path):
    with pytest.raises(ModelFileError, match="no affinity model there"):
        load_model(tmp_path)
    copy = tmp_path / "model"
    copy.mkdir()
    for file in (run[0] / "model").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "network-1.safetensors").write_bytes(b"x")
    with pytest.raises(ModelFileError, match="differ from their checksum"):
        load_model(copy)
