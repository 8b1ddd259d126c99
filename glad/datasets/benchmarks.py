"""The benchmarks of video domain adaptation that lists can be built for: their classes, and which datasets they pair.

Each class map is a table of facts, taken from where `docs/benchmarks.md` says and spelled as the datasets spell their
classes. Where a table could not be established it is not guessed: Jester's has to be given, and Mixamo→Kinetics and the
Sports-1M side of Sports-DA are not here.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from glad.datasets.arid import read_arid
from glad.datasets.classmap import ClassMap, mapped
from glad.datasets.epic55 import KITCHENS, kitchen_reader
from glad.datasets.found import Reader
from glad.datasets.hmdb51 import read_hmdb51
from glad.datasets.jester import read_jester
from glad.datasets.kinetics import read_kinetics
from glad.datasets.necdrone import read_necdrone
from glad.datasets.splitfolders import read_split_folders
from glad.datasets.ucf101 import read_ucf101
from glad.errors import UserError

READERS: Mapping[str, Reader] = {  # BABEL alone can do without a folder; glad/datasets/lists.py calls its reader itself
    "ucf101": read_ucf101,
    "hmdb51": read_hmdb51,
    "kinetics": read_kinetics,
    "arid": read_arid,
    "mit": read_split_folders,
    "necdrone": read_necdrone,
    "jester": read_jester,
    **{f"epic-{domain.lower()}": kitchen_reader(domain) for domain in KITCHENS},
}

UCF_HMDB = mapped(
    ucf101={
        "climb": ("RockClimbingIndoor", "RopeClimbing"),
        "fencing": ("Fencing",),
        "golf": ("GolfSwing",),
        "kick_ball": ("SoccerPenalty",),
        "pullup": ("PullUps",),
        "punch": ("Punch", "BoxingPunchingBag", "BoxingSpeedBag"),
        "pushup": ("PushUps",),
        "ride_bike": ("Biking",),
        "ride_horse": ("HorseRiding",),
        "shoot_ball": ("Basketball",),
        "shoot_bow": ("Archery",),
        "walk": ("WalkingWithDog",),
    },
    hmdb51={
        name: (name,)
        for name in (
            *("climb", "fencing", "golf", "kick_ball", "pullup", "punch"),
            *("pushup", "ride_bike", "ride_horse", "shoot_ball", "shoot_bow", "walk"),
        )
    },
)
KINETICS_BABEL = mapped(
    kinetics={
        "jump": ("long jump", "high jump"),
        "run": ("jogging", "running on treadmill"),
        "throw": ("javelin throw", "throwing axe", "throwing ball"),
        "kick": ("drop kicking", "kicking field goal", "kicking soccer ball"),
        "bend": ("bending back",),
        "dance": ("tap dancing", "dancing macarena", "tango dancing", "swing dancing"),
        "clean_something": ("cleaning windows", "cleaning floor", "cleaning pool", "cleaning toilet"),
        "squat": ("squat",),
        "punch": ("punching bag", "punching person (boxing)", "slapping"),
        "crawl": ("crawling baby",),
        "clap": ("clapping", "applauding"),
        "pick_up": ("front raises", "deadlifting"),
    },
    babel={
        **{name: (name,) for name in ("jump", "run", "throw", "kick", "bend", "dance")},
        "clean_something": ("clean something",),
        **{name: (name,) for name in ("squat", "punch", "crawl", "clap")},
        "pick_up": ("take/pick something up",),
    },
)
KINETICS_NECDRONE = mapped(
    kinetics={
        "walking": ("marching",),
        "running": ("jogging", "running on treadmill"),
        "jumping": ("high jump", "jumping into pool"),
        "drinking water from a bottle": ("drinking beer",),
        "throwing an object": ("throwing axe", "throwing ball", "throwing discus", "shot put", "javelin throw"),
        "shaking hands": ("shaking hands",),
        "hugging": ("hugging",),
    },
    necdrone={
        name: (str(number),)
        for number, name in enumerate(
            (
                *("walking", "running", "jumping", "drinking water from a bottle"),
                *("throwing an object", "shaking hands", "hugging"),
            )
        )
    },
)
_VERBS = {name: (str(n),) for n, name in enumerate(("take", "put", "open", "close", "wash", "cut", "mix", "pour"))}
EPIC = mapped(**{f"epic-{domain.lower()}": _VERBS for domain in KITCHENS})
_DAILY = ("drink", "jump", "pick", "pour", "push", "run", "walk", "wave")
DAILY = mapped(
    hmdb51={name: (name,) for name in _DAILY},
    arid={name: (name.capitalize(),) for name in _DAILY},
    mit={
        **{"drink": ("drinking",), "jump": ("jumping",), "pick": ("picking",), "pour": ("pouring",)},
        **{"push": ("pushing",), "run": ("running",), "walk": ("walking",), "wave": ("waving",)},
    },
    kinetics={
        "drink": ("drinking shots",),
        "jump": ("jumping bicycle", "jumping into pool", "jumping jacks"),
        "pick": ("picking fruit",),
        "pour": ("pouring beer",),
        "push": ("pushing car", "pushing cart", "pushing wheelbarrow", "pushing wheelchair"),
        "run": ("running on treadmill",),
        "walk": ("walking the dog", "walking through snow"),
        "wave": ("waving hand",),
    },
)
_SPORTS = {
    "Archery": ("archery",),
    "BaseballPitch": ("catching or throwing baseball", "hitting baseball"),
    "Basketball": ("playing basketball", "shooting basketball"),
    "Biking": ("riding a bike",),
    "Bowling": ("bowling",),
    "BreastStroke": ("swimming breast stroke",),
    "Diving": ("springboard diving",),
    "Fencing": ("fencing (sport)",),
    "FieldHockeyPenalty": ("playing field hockey",),
    "FloorGymnastics": ("gymnastics tumbling",),
    "GolfSwing": ("golf chipping", "golf driving", "golf putting"),
    "HorseRace": ("riding or walking with horse",),
    "Kayaking": ("canoeing or kayaking",),
    "RockClimbingIndoor": ("rock climbing",),
    "RopeClimbing": ("climbing a rope",),
    "SkateBoarding": ("skateboarding",),
    "Skiing": ("skiing crosscountry", "skiing mono"),
    "SumoWrestling": ("wrestling",),
    "Surfing": ("surfing water",),
    "TaiChi": ("tai chi",),
    "TennisSwing": ("playing tennis",),
    "TrampolineJumping": ("bouncing on trampoline",),
    "VolleyballSpiking": ("playing volleyball",),
}
SPORTS = mapped(ucf101={name: (name,) for name in _SPORTS}, kinetics=_SPORTS)


class Side(NamedTuple):
    """One domain: the dataset, and whose names of the class map are its own."""

    dataset: str
    key: str


@dataclass(frozen=True)
class Benchmark:
    """Two datasets and the classes they share; `classes` is None where the user has to give the table."""

    name: str
    classes: ClassMap | None
    source: Side
    target: Side


def _pairs(prefix: str, classes: ClassMap, names: Mapping[str, str]) -> list[Benchmark]:
    """Return a benchmark for each ordered pair of datasets, given by their short names."""
    return [
        Benchmark(f"{prefix}{one}-{other}", classes, Side(names[one], names[one]), Side(names[other], names[other]))
        for one, other in permutations(names, 2)
    ]


BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("kinetics-babel", KINETICS_BABEL, Side("kinetics", "kinetics"), Side("babel", "babel")),
        *_pairs("", UCF_HMDB, {"ucf": "ucf101", "hmdb": "hmdb51"}),
        *_pairs("epic-", EPIC, {domain.lower(): f"epic-{domain.lower()}" for domain in KITCHENS}),
        Benchmark("kinetics-necdrone", KINETICS_NECDRONE, Side("kinetics", "kinetics"), Side("necdrone", "necdrone")),
        *_pairs("daily-", DAILY, {"hmdb": "hmdb51", "arid": "arid", "mit": "mit", "kinetics": "kinetics"}),
        *_pairs("sports-", SPORTS, {"ucf": "ucf101", "kinetics": "kinetics"}),
        Benchmark("jester", None, Side("jester", "source"), Side("jester", "target")),
    )
}


def benchmark_named(name: str) -> Benchmark:
    """Return the benchmark of that name; one sentence with the names there are otherwise."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    near = difflib.get_close_matches(name, BENCHMARKS, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UserError(f"there is no benchmark '{name}'; {hint}known: {', '.join(BENCHMARKS)} (docs/benchmarks.md)")
