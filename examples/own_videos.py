# %% [markdown]
# # Two folders of your own videos, from Python
#
# `labelled/` has one folder of videos a class, `unlabelled/` just videos of another world. Run this file cell by cell
# in an editor that knows `# %%`, or whole: `python examples/own_videos.py labelled/ unlabelled/ OUT 200`, 200 being
# the steps of each stage. A small pair takes minutes on a CPU; that shows that all is in order, and is no result
# (docs/own-videos.md says what makes one).

# %%
import sys
from collections import Counter
from pathlib import Path

import glad
from glad.data.background import extract_backgrounds
from glad.recipe import Pair, Videos

# %% [markdown]
# Loader processes import this file anew where they are not forked, hence the `if` at its end.


# %%
def main(labelled: Path, unlabelled: Path, out: Path, steps: int) -> None:
    # What is there? Nothing is decoded yet.
    source = glad.open_listing(labelled, labelled=True)
    target = glad.open_listing(unlabelled)
    assert source.classes is not None
    print(f"{len(source)} videos of {', '.join(source.classes)}; {len(target)} videos without labels")

    # One video, looked at: frames (t, h, w, 3) of any indices.
    first = source.video(0)
    print(f"{source[0].path}: {len(first)} frames of {first.frames([0]).shape[1:]}")

    # What stands still in each labelled video, to be mixed into others: scenes then stop telling the action.
    extract_backgrounds(source, labelled, out / "backgrounds")

    # A recipe is a value: take one and change fields. The stage before takes the data of this one.
    recipe = glad.find_recipe("own-glad")
    data = Pair(
        source=Videos(list=labelled),
        target=Videos(list=unlabelled, labelled=False),
        test=Videos(list=labelled),  # no labelled target here: nothing below evaluates
        backgrounds=out / "backgrounds",
    )
    assert recipe.after is not None
    before = recipe.after.model_copy(update={"steps": steps, "batch_size": 4})
    recipe = recipe.model_copy(update={"data": data, "steps": steps, "batch_size": 4, "after": before})

    # The same call again goes on where it was stopped.
    trained = glad.train(recipe, out / "run")

    # Classes for the target, most probable first.
    found = trained.predict_all([unlabelled / target[index].path for index in range(len(target))])
    for prediction in found[:10]:
        print(prediction.as_text())
    print(Counter(prediction.classes[0] for prediction in found))


# %%
if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit("usage: python examples/own_videos.py LABELLED UNLABELLED OUT STEPS")
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
