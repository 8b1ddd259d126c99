"""The miniature benchmark as data of a recipe: where its files are, and how they come to be there."""

from pathlib import Path
from typing import Self

from glad.recipe import Pair, Videos


class MiniPair(Pair):
    """`mini` with data seed `made_with`; it is generated, and its backgrounds extracted, when it is first needed."""

    made_with: int = 0

    @classmethod
    def seed(cls, seed: int, movies: bool = False) -> Self:
        """Return the benchmark of a seed, below `data/mini/SEED`; `movies` reads the mp4 files, not the frames."""
        root = Path("data/mini") / str(seed)
        lists = root / "videos" if movies else root
        return cls(
            made_with=seed,
            classes=root / "classes.txt",
            source=Videos(list=lists / "source_train.txt", root=lists / "source"),
            target=Videos(list=lists / "target_train.txt", root=lists / "target", labelled=False),
            test=Videos(list=lists / "target_test.txt", root=lists / "target"),
            source_val=Videos(list=lists / "source_val.txt", root=lists / "source"),
            backgrounds=root / "backgrounds",
            target_backgrounds=root / "target_backgrounds",
        )

    def upper_bound(self) -> Self:
        """Return the pair whose labelled videos are those of the target: supervised target."""
        source = self.target.model_copy(
            update={"list": self.target.list.with_name("target_train_labels.txt"), "labelled": True}
        )
        nothing = {"source_val": None, "backgrounds": None, "target_backgrounds": None}
        return self.model_copy(update={"source": source, **nothing})

    def seeded(self, seed: int) -> Self:
        """Return the same benchmark made with another seed."""
        old, new = Path("data/mini") / str(self.made_with), Path("data/mini") / str(seed)

        def moved(path: Path) -> Path:
            return new / path.relative_to(old)

        def videos(at: Videos) -> Videos:
            return at.model_copy(update={"list": moved(at.list), "root": moved(at.folder)})

        assert isinstance(self.classes, Path)
        return self.model_copy(
            update={
                "made_with": seed,
                "classes": moved(self.classes),
                "source": videos(self.source),
                "target": videos(self.target),
                "test": videos(self.test),
                "source_val": self.source_val and videos(self.source_val),
                "backgrounds": self.backgrounds and moved(self.backgrounds),
                "target_backgrounds": self.target_backgrounds and moved(self.target_backgrounds),
            }
        )

    def ensure(self) -> None:
        """Make the benchmark and its backgrounds where they are missing; at once when they are there."""
        from glad.data.background import extract_backgrounds
        from glad.inputs import classes_of, labelled_listing, unlabelled_listing
        from glad.mini.make import make_mini

        assert isinstance(self.classes, Path)
        make_mini(self.classes.parent, seed=self.made_with)
        if self.backgrounds is not None:
            source = labelled_listing(self.source, classes_of(self), every_class=True)
            extract_backgrounds(source, self.source.folder, self.backgrounds, workers=2)
        if self.target_backgrounds is not None:
            target = unlabelled_listing(self.target, classes_of(self))
            extract_backgrounds(target, self.target.folder, self.target_backgrounds, workers=2)


class InitPair(Pair):
    """Videos of sixteen other motions, for the weights that `mini` starts from; generated when first needed."""

    @classmethod
    def at(cls, root: Path = Path("data/mini/init")) -> Self:
        """Return the pair below `root`. It has no second domain: `test` is held out of the same videos."""
        train = Videos(list=root / "init_train.txt", root=root / "source")
        test = Videos(list=root / "init_val.txt", root=root / "source")
        return cls(classes=root / "classes.txt", source=train, target=train, test=test)

    def ensure(self) -> None:
        """Make the videos where they are missing; at once when they are there."""
        from glad.mini.make import make_init_videos

        make_init_videos(self.source.list.parent, seed=0, workers=2)
