"""Pure functions that turn stored values into the messages that the page shows."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imgplay_widget._page.protocol import (
    AxisState,
    BatchState,
    BlankState,
    ChainResult,
    ChangeState,
    Config,
    Difference,
    DraftState,
    ErrorState,
    FoundState,
    GenerationState,
    ModelState,
    ParameterState,
    PresetState,
    PriceState,
    ProviderState,
    RateState,
    RecipeState,
    ReferenceRuleState,
    ReferenceState,
    ServerPresetState,
    SizeRuleState,
    SpendingState,
    SweepState,
    TopicState,
    VersionState,
)
from imgplay_widget._rules.recipes import Recipe, differences
from imgplay_widget._rules.sheets import shortened
from imgplay_widget._rules.sweeps import labels_of
from imgplay_widget._rules.titles import UNTITLED
from imgplay_widget._studio.panel import DEFAULT_MODEL
from imgplay_widget._types import (
    Draft,
    Entry,
    Generation,
    Lineage,
    ModelSpec,
    Parameter,
    ProviderSpec,
    Reference,
    ReferenceRule,
    Stage,
    Status,
    Sweep,
    Tier,
    Topic,
)
from imgplay_widget.catalog import unit_price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from imgplay_widget._rules.changes import SpendingWritten
    from imgplay_widget._rules.embedded import FileRecipe
    from imgplay_widget._rules.lineage import Revision
    from imgplay_widget._rules.presets import Preset
    from imgplay_widget._studio.found import UsableRecipe
    from imgplay_widget._studio.offers import Unanswered
    from imgplay_widget.catalog import ServerPreset
    from imgplay_widget.errors import ErrorInfo
    from imgplay_widget.providers.keys import KeyState

__all__ = [
    "batch_state",
    "chain_result",
    "config_state",
    "draft_state",
    "error_state",
    "found_state",
    "generation_state",
    "made_state",
    "model_state",
    "preset_state",
    "provider_state",
    "recipe_state",
    "reference_state",
    "server_preset_state",
    "spending_state",
    "sweep_state",
    "topic_state",
]


MOST_WORDS = 200
"""The most characters of the prompt of a version in a chain."""


def config_state(stored: Mapping[str, Any]) -> Config:
    """Return the content of the config panel, with the default model where none was chosen."""
    return Config.model_validate({"model": DEFAULT_MODEL, **stored})


def error_state(info: ErrorInfo) -> ErrorState:
    """Return an error as the page shows it."""
    told = asdict(info)
    # The page shows the sentences, which say what may have been billed.
    del told["maybe_billed"]
    return ErrorState(**told)


def model_state(spec: ModelSpec, name: str | None = None) -> ModelState:
    """Return a model as the page offers it.

    Args:
        spec: the model.
        name: the name by which the page asked for the model, with which the page goes on where the provider
            has a more exact one; None means the model's own name.
    """
    rule = spec.size_rule
    prefix = f"{spec.provider}:"
    own = name.removeprefix(prefix) if name is not None and name.startswith(prefix) else spec.id
    return ModelState(
        name=prefix + own,
        provider=spec.provider,
        id=own,
        title=spec.title,
        description=spec.description,
        notice=spec.notice,
        parameters=[_parameter_state(parameter) for parameter in spec.parameters],
        prompt=spec.prompt,
        max_prompt=spec.max_prompt,
        native_n=spec.native_n,
        seed=spec.seed,
        size_rule=SizeRuleState(**asdict(rule)) if rule else None,
        references=_reference_rule(spec.references),
        mask=spec.mask,
        does=list(spec.abilities),
        previews=spec.previews,
        progress=spec.progress,
        cancel=spec.cancel,
        price=_price_state(spec),
        retired_on=spec.retired_on,
        successor=spec.successor,
    )


def _price_state(spec: ModelSpec) -> PriceState | None:
    price, known = spec.price, unit_price(spec)
    if price is None or known is None:
        return None
    cost, unit = known
    return PriceState(
        least=format(cost.least, "f"),
        most=format(cost.most, "f"),
        unit=unit,
        note=" · ".join(part for part in (price.day, price.source, price.note) if part),
        rates=[_rate_state(tier) for tier in (*price.tiers, Tier(rate=price.rate))],
        size=list(price.size) if price.size else None,
        reference=price.reference,
        reference_unit=price.reference_unit,
    )


def _rate_state(tier: Tier) -> RateState:
    rate = tier.rate
    return RateState(
        when={name: list(values) for name, values in tier.when.items()},
        up_to=tier.up_to,
        amount=rate.amount,
        most=rate.most or rate.amount,
        unit=rate.unit,
        further=rate.further,
        grid=rate.grid,
    )


def _reference_rule(rule: ReferenceRule | None) -> ReferenceRuleState | None:
    if rule is None:
        return None
    return ReferenceRuleState(
        min_count=rule.min_count,
        max_count=rule.max_count,
        max_bytes=rule.max_bytes,
        max_pixels=rule.max_pixels,
        media_types=list(rule.media_types),
        gives_size=rule.gives_size,
    )


def reference_state(reference: Reference) -> ReferenceState:
    """Return an input image as the page names it."""
    return ReferenceState(
        digest=reference.digest,
        media_type=reference.media_type,
        width=reference.width,
        height=reference.height,
    )


def _parameter_state(parameter: Parameter) -> ParameterState:
    return ParameterState(
        name=parameter.name,
        type=parameter.type,
        kind=parameter.kind,
        title=parameter.title,
        help=parameter.help,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        step=parameter.step,
        choices=list(parameter.choices),
        default=parameter.default,
        max_length=parameter.max_length,
        advanced=parameter.advanced,
    )


def provider_state(
    spec: ProviderSpec,
    key: KeyState,
    *,
    source: str = "",
    discovered_at: datetime | None = None,
    unanswered: Unanswered | None = None,
    server: str | None = None,
    preset: str | None = None,
    writes: bool = False,
    writer: str | None = None,
) -> ProviderState:
    """Return a provider as the page shows it. The state tells where the key comes from, never the key."""
    hint = ""
    if key == "missing":
        where = f" Make one at {spec.key_url}." if spec.key_url else ""
        hint = f"Set {spec.key_variables[0]}, or call pg.set_key({spec.name!r}).{where}"
    return ProviderState(
        name=spec.name,
        title=spec.title,
        key=key,
        key_help=hint,
        key_variable=next(iter(spec.key_variables), None),
        key_url=spec.key_url,
        key_source=source,
        discovered_at=_milliseconds(discovered_at) if discovered_at else None,
        discovery_error=unanswered.message if unanswered else None,
        server=server,
        preset=preset,
        writes=writes,
        writer=writer,
    )


def preset_state(name: str, preset: Preset, *, gone: bool) -> PresetState:
    """Return a preset of the user as the page shows it.

    Args:
        name: its name.
        preset: the preset.
        gone: whether there is no such model any more.
    """
    return PresetState(
        name=name,
        model=preset.model,
        params=dict(preset.params),
        prefix=preset.prefix,
        suffix=preset.suffix,
        gone=gone,
    )


def server_preset_state(preset: ServerPreset) -> ServerPresetState:
    """Return a known server as the page shows it."""
    return ServerPresetState(
        name=preset.name,
        title=preset.title,
        address=preset.address,
        help=preset.help,
        key=preset.key,
        key_variable=preset.variable or None,
        key_url=preset.key_url,
        free=preset.free,
        blanks=[
            BlankState(name=one.name, title=one.title, help=one.help, example=one.example)
            for one in preset.blanks
        ],
    )


def topic_state(topic: Topic, cover_buffer: int | None = None) -> TopicState:
    """Return a topic as the list shows it."""
    return TopicState(
        id=topic.id,
        title=topic.title or UNTITLED,
        pinned=topic.pinned,
        images=topic.images,
        running=topic.running,
        cover_version=topic.cover_url,
        cover_buffer=cover_buffer,
        created_at=_milliseconds(topic.created_at),
        updated_at=_milliseconds(topic.updated_at),
    )


def batch_state(entry: Entry, title: str, usual: float | None) -> BatchState:
    """Return a batch as the feed shows it.

    Args:
        entry: the batch with its tasks and generations.
        title: the model's title.
        usual: the seconds that a task of the model usually takes, or None.
    """
    batch = entry.batch
    cost, estimated = _cost(entry)
    return BatchState(
        id=batch.id,
        topic_id=batch.topic_id,
        provider=batch.provider,
        model=f"{batch.provider}:{batch.model}",
        model_title=title,
        prompt=batch.prompt,
        params={name: value for name, value in batch.config.items() if name != "n"},
        width=batch.width,
        height=batch.height,
        created_at=_milliseconds(batch.created_at),
        cost=cost,
        cost_estimated=estimated,
        references=[reference_state(reference) for reference in batch.references],
        mask=None if batch.mask is None else reference_state(batch.mask),
        click_id=batch.click_id,
        sweep_id=batch.sweep_id,
        action=batch.action,
        generations=[generation_state(entry, generation, usual) for generation in entry.generations],
    )


def sweep_state(sweep: Sweep) -> SweepState:
    """Return a sweep as its card shows it."""
    return SweepState(
        id=sweep.id,
        topic_id=sweep.topic_id,
        template=sweep.template,
        axes=[AxisState(name=axis.name, labels=labels_of(axis)) for axis in sweep.axes],
        cells=list(sweep.cells),
        asked=list(sweep.asked),
        created_at=_milliseconds(sweep.created_at),
    )


def _cost(entry: Entry) -> tuple[str | None, bool]:
    """Return the cost of a batch, and whether the cost is partly an estimate.

    Where a provider does not tell the cost of a task, a task that succeeded counts with its estimate.
    """
    told = [Decimal(task.cost) for task in entry.tasks if task.cost is not None]
    guessed = [
        Decimal(task.estimate)
        for task in entry.tasks
        if task.cost is None and task.estimate is not None and task.stage is Stage.SUCCESS
    ]
    total = sum((*told, *guessed), Decimal())
    # An estimate of 0, such as for a model on this machine, is not shown.
    return (str(total) if told or total else None), bool(guessed and total)


def generation_state(
    entry: Entry, generation: Generation, usual: float | None, buffer: int | None = None
) -> GenerationState:
    """Return a generation as its tile shows it.

    Args:
        entry: the batch of the generation.
        generation: the generation.
        usual: the seconds that a task of the model usually takes, or None.
        buffer: the index of the thumbnail among the message's buffers, or None.
    """
    task = entry.task_of(generation)
    status = entry.status_of(generation)
    asset = generation.asset
    error = None
    if status in (Status.ERROR, Status.CANCELLED):
        error = generation.error or (task.error if task else None)
    return GenerationState(
        id=generation.id,
        batch_id=generation.batch_id,
        position=generation.position,
        status=status.value,
        seed=generation.seed,
        width=asset.width if asset else entry.batch.width,
        height=asset.height if asset else entry.batch.height,
        media_type=asset.media_type if asset else None,
        error=error_state(error) if error else None,
        differences=[Difference(**change._asdict()) for change in differences(entry, generation)],
        damaged=asset is not None and not asset.whole,
        cancellable=not status.final,
        starred=generation.starred,
        scores=dict(generation.scores),
        tags=list(generation.tags),
        started_at=_milliseconds(task.submitted_at) if task and task.submitted_at else None,
        finished_at=_milliseconds(task.finished_at) if task and task.finished_at else None,
        usual_duration=None if status.final else usual,
        thumbnail_buffer=buffer,
    )


def recipe_state(recipe: Recipe) -> RecipeState:
    """Return a recipe as the page shows it."""
    times: dict[str, Any] = {
        "created_at": _milliseconds(recipe.created_at),
        "started_at": _milliseconds(recipe.started_at) if recipe.started_at else None,
        "finished_at": _milliseconds(recipe.finished_at) if recipe.finished_at else None,
    }
    inputs: dict[str, Any] = {
        "references": [reference_state(reference) for reference in recipe.references],
        "mask": None if recipe.mask is None else reference_state(recipe.mask),
    }
    told = recipe.as_json() | times | inputs
    return RecipeState(**{name: told[name] for name in RecipeState.model_fields})


def chain_result(lineage: Lineage, changes: Mapping[str, Revision]) -> ChainResult:
    """Return the chain of an image as the large view shows it.

    Args:
        lineage: the chain.
        changes: what changed in each version, by its id.
    """

    def versions(ids: Sequence[str]) -> list[VersionState]:
        return [_version_state(one, lineage.versions.get(one), changes.get(one)) for one in ids]

    return ChainResult(
        generation_id=lineage.shown,
        ancestors=versions(lineage.ancestors),
        earlier=lineage.earlier,
        siblings=versions(lineage.siblings),
        siblings_count=lineage.siblings_count,
        children=versions(lineage.children),
        children_count=lineage.children_count,
    )


def _version_state(
    generation_id: str, version: tuple[Entry, Generation] | None, change: Revision | None
) -> VersionState:
    entry, generation = version or (None, None)
    batch = entry and entry.batch
    return VersionState(
        generation_id=generation_id,
        batch_id=batch and batch.id,
        topic_id=batch and batch.topic_id,
        position=generation.position if generation else 0,
        status=entry.status_of(generation).value if entry and generation else "gone",
        # The words beside a small picture. A prompt may have a hundred thousand characters.
        prompt=shortened(batch.prompt, MOST_WORDS) if batch else "",
        action=batch and batch.action,
        added=list(change.added) if change else [],
        removed=list(change.removed) if change else [],
        rewritten=change is not None and change.rewritten,
        changes=[ChangeState(**one._asdict()) for one in change.changes] if change else [],
    )


def draft_state(draft: Draft) -> DraftState:
    """Return the unsent content of a prompt box as the page shows it."""
    return DraftState(
        prompt=draft.prompt,
        references=[reference_state(reference) for reference in draft.references],
        mask=None if draft.mask is None else reference_state(draft.mask),
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def spending_state(spending: SpendingWritten) -> SpendingState:
    """Return today's total and the budget as the page shows them."""
    today, budget = spending.today, spending.budget
    return SpendingState(
        today=format(today.spent, "f"),
        unknown=today.unknown,
        running=format(today.running, "f"),
        budget=None if budget is None else format(budget, "f"),
    )


def made_state(recipe: Recipe, workflow: str | None) -> FoundState:
    """Return the recipe of an image of this store, as the page gets it for a file."""
    return FoundState(
        tool=recipe.as_json()["tool"],
        here=True,
        prompt=recipe.prompt,
        model=recipe.model,
        model_title=recipe.model_title,
        requested=dict(recipe.requested),
        width=recipe.width,
        height=recipe.height,
        references=[reference_state(reference) for reference in recipe.references],
        mask=None if recipe.mask is None else reference_state(recipe.mask),
        workflow=workflow,
    )


def found_state(found: FileRecipe | None, can: UsableRecipe | None, workflow: str | None) -> FoundState:
    """Return what a file says that this store does not know.

    Args:
        found: its recipe, or None where it has only a workflow.
        can: what a request here can take over from it.
        workflow: its workflow of ComfyUI, or None.
    """
    model = None if can is None else can.model
    named = "" if found is None else found.model or ""
    return FoundState(
        tool="ComfyUI" if found is None else found.tool,
        here=False,
        prompt=None if found is None else found.prompt,
        model=named if model is None else model.name,
        model_title=named if model is None else model.title,
        requested={} if can is None else dict(can.requested),
        width=None if found is None else found.width,
        height=None if found is None else found.height,
        references=[],
        mask=None,
        workflow=workflow,
    )
