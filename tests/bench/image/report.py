"""Results of the bench of images, as text for people and as data, with the budget of each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from tests.bench.image.boot_times import AGENT, CLOUD_INIT_END, COLLECTOR, SUCCESS
from tests.bench.image.guest_pair import GuestRow
from tests.bench.image.tree_size import TreeSize
from tests.bench.machine import describe_machine
from tests.bench.plot import BLUE, GREEN, GREY, Bar, draw_bars

MIB = 2**20  # the unit of `du` and of the kernel
MB = 10**6  # the unit of the budgets of sizes
TITLE = "Seconds from power-on: until cloud-init has ended, and until Heat has accepted SUCCESS"
SERVERS = ("mariadb.service", "mysql.service")
UNIT_NAMES: Mapping[str, str] = {
    AGENT: "agent",
    COLLECTOR: "collector",
    **dict.fromkeys(SERVERS, "database server"),
}
REST, WHOLE = "everything else", "the whole guest"


@dataclass(frozen=True, slots=True)
class Budget:
    """A figure of an image or of one of its nodes, beside what it may be at most."""

    image: str
    what: str
    value: float
    limit: float
    unit: str

    @property
    def is_kept(self) -> bool:
        return self.value <= self.limit


def format_report(sizes: Sequence[TreeSize], rows: Sequence[GuestRow]) -> str:
    """Format the tables in Markdown for docs/explanation/performance.md."""
    tables = (
        format_sizes(sizes),
        format_boots(rows),
        format_blame(rows),
        format_rest(rows),
        format_budgets(sizes, rows),
    )
    return "\n\n".join("\n".join(table) for table in tables)


def format_sizes(sizes: Sequence[TreeSize]) -> list[str]:
    """Format the sizes of the trees, and the packages in which they differ."""
    lines = [
        "| image | without guestagent | with it | `/opt/guestagent` | of it our code | units and settings | packages |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        plain = "-" if size.plain is None else format_mib(size.plain)
        packages = f"+ {format_mib(sum(size.new_packages.values()))}, - {format_mib(sum(size.gone_packages.values()))}"
        parts = map(format_mib, (size.whole, size.environment, size.own_code, size.settings))
        lines.append(f"| {size.image} | {plain} | {' | '.join(parts)} | {packages} |")
    return lines


def format_boots(rows: Sequence[GuestRow]) -> list[str]:
    """Format the median seconds from power-on to each milestone, in the order of time."""
    lines = [f"| reached after | {' | '.join(f'{row.image}, {row.role}' for row in rows)} |"]
    lines.append("|---" * (len(rows) + 1) + "|")
    medians = [collect_medians([boot.milestones for boot in row.boots]) for row in rows]
    for name in sorted(medians[0], key=medians[0].__getitem__):
        cells = (f"{times[name]:.2f} s" if name in times else "-" for times in medians)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    after = (f"{median(boot.after_cloud_init for boot in row.boots):.2f} s" for row in rows)
    return [*lines, f"| from cloud-init's end to SUCCESS | {' | '.join(after)} |"]


def format_blame(rows: Sequence[GuestRow]) -> list[str]:
    """Format the services whose start took longest."""
    lines = ["| image | role | slowest services, median |", "|---|---|---|"]
    for row in rows:
        times = collect_medians([boot.blame for boot in row.boots])
        slowest = sorted(times.items(), key=lambda item: -item[1])
        cell = ", ".join(f"{unit.removesuffix('.service')} {seconds:.2f} s" for unit, seconds in slowest[:6])
        lines.append(f"| {row.image} | {row.role} | {cell} |")
    return lines


def format_rest(rows: Sequence[GuestRow]) -> list[str]:
    """Format memory and processor time at rest."""
    lines = ["| image | role | what | memory (PSS) | CPU a day |", "|---|---|---|---|---|"]
    for row in rows:
        for what, (memory, cpu) in collect_rest(row).items():
            lines.append(f"| {row.image} | {row.role} | {what} | {format_mib(memory)} | {cpu:.0f} s |")
    return lines


def format_budgets(sizes: Sequence[TreeSize], rows: Sequence[GuestRow]) -> list[str]:
    """Format each figure that has a budget."""
    lines = ["| image | what | measured | at most | |", "|---|---|---|---|---|"]
    for each in collect_budgets(sizes, rows):
        state = "kept" if each.is_kept else "**missed**"
        value = f"{each.value:.2f} {each.unit}".strip()
        lines.append(
            f"| {each.image} | {each.what} | {value} | {f'{each.limit:g} {each.unit}'.strip()} | {state} |"
        )
    return lines


def collect_rest(row: GuestRow) -> dict[str, tuple[float, float]]:
    """Return memory and processor seconds a day by what has a name, and of the whole guest."""
    rest = row.rest
    named = {
        name: (rest.memory[unit], rest.cpu_per_day.get(unit, 0.0))
        for unit, name in UNIT_NAMES.items()
        if unit in rest.memory
    }
    memory, cpu = (sum(values[index] for values in named.values()) for index in (0, 1))
    remainder = (rest.whole_memory - memory, max(0.0, rest.whole_cpu_per_day - cpu))
    return {**named, REST: remainder, WHOLE: (rest.whole_memory, rest.whole_cpu_per_day)}


def collect_budgets(sizes: Sequence[TreeSize], rows: Sequence[GuestRow]) -> list[Budget]:
    """Return every figure that has a budget."""
    budgets = []
    for size in sizes:
        budgets.append(Budget(size.image, "`/opt/guestagent`", size.environment / MB, 90, "MB"))
        budgets.append(Budget(size.image, "our own code, as bytecode", size.own_code / MB, 2.5, "MB"))
    for row in rows:
        image = f"{row.image}, {row.role}"
        memory = {name: memory / MIB for name, (memory, _) in collect_rest(row).items()}
        budgets.append(Budget(image, "memory of the agent", memory["agent"], 32, "MiB"))
        budgets.append(Budget(image, "memory of the collector", memory["collector"], 35, "MiB"))
        if row.role == "source":
            seconds = median(boot.after_cloud_init for boot in row.boots)
            budgets.append(Budget(image, "from cloud-init's end to SUCCESS", seconds, 1.0, "s"))
            budgets += [
                Budget(image, f"exposure of the {UNIT_NAMES[unit]}", level, 2.0, "")
                for unit, level in row.exposure.items()
            ]
    return budgets


def describe_report(sizes: Sequence[TreeSize], rows: Sequence[GuestRow]) -> dict[str, object]:
    """Describe everything for JSON."""
    return {
        "machine": describe_machine(),
        "sizes": [asdict(size) for size in sizes],
        "guests": [asdict(row) for row in rows],
        "budgets": [asdict(each) | {"kept": each.is_kept} for each in collect_budgets(sizes, rows)],
    }


def plot_boots(rows: Sequence[GuestRow]) -> str:
    """Plot for each node the seconds to the end of cloud-init and to SUCCESS."""
    groups = [
        [
            Bar(f"{row.image}, {row.role}", GREY, collect_milestone(row, CLOUD_INIT_END)),
            Bar("SUCCESS", BLUE if row.role == "source" else GREEN, collect_milestone(row, SUCCESS)),
        ]
        for row in rows
    ]
    return draw_bars(TITLE, describe_machine(), groups)


def collect_milestone(row: GuestRow, name: str) -> tuple[float, ...]:
    return tuple(boot.milestones[name] for boot in row.boots)


def collect_medians(repetitions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each key, over the repetitions that have it."""
    names = dict.fromkeys(name for values in repetitions for name in values)
    return {name: median(values[name] for values in repetitions if name in values) for name in names}


def format_mib(size: float) -> str:
    return f"{size / MIB:.1f} MiB" if size < 100 * MIB else f"{size / MIB:.0f} MiB"
