"""Invent a challenge: briefs with a place, people and limits, and no right answer."""

from __future__ import annotations

from annotations.registry import PromptSet, SetPrompt, prompt_sets

BRIEFS = {
    "night-bakery": (
        "Invent a challenge for four bakers on a night shift, to be done while the dough rests for forty minutes. "
        "They may use only what is in the bakery, nothing may be wasted, and a customer who comes in at dawn must be "
        "able to tell who won."
    ),
    "lift": (
        "Invent a challenge that two strangers can take up in a lift between the ground floor and the ninth. Neither "
        "may speak, touch the other or look odd to somebody who gets in on the way. Say how both know that it is over."
    ),
    "choir-deaf-audience": (
        "Invent a challenge for an amateur choir whose audience tonight cannot hear. The choir keeps its programme of "
        "three songs and has one afternoon to prepare. Explain the task, what counts as success, and who decides."
    ),
    "allotments": (
        "Invent a season-long challenge for neighbours with small vegetable plots. It must not be about the biggest "
        "or the most of anything, beginners must have a fair chance against old hands, and it should end in one "
        "shared afternoon in autumn."
    ),
    "lighthouse": (
        "Invent a challenge for a lighthouse keeper who is alone for six weeks with a radio, a shelf of atlases and a "
        "box of blank postcards. A second keeper on another island takes part too, and they may exchange ten words a "
        "day."
    ),
    "market-square": (
        "Invent a challenge for a market square on a Saturday morning in which the people who take part must not be "
        "recognised as such. It lasts until the church clock strikes twelve and leaves every stallholder a little "
        "better off."
    ),
    "hospital-corridor": (
        "Invent a challenge for children and grandparents who wait together in a hospital corridor. It should be "
        "quiet, need nothing but a sheet of paper, fit people who can hardly move, and be easy to break off at any "
        "moment."
    ),
    "retired-mapmakers": (
        "Invent a challenge for a club of retired mapmakers who meet once a month. It has to send each of them out of "
        "the house, produce a map of something that has never been mapped, and be judged without any of them seeing "
        "the others' work first."
    ),
    "empty-swimming-pool": (
        "Invent a challenge for two teams of six in an empty indoor swimming pool, using its slopes, its echo and its "
        "painted lines. No ball, no running, no water. Describe the rules so that a referee could apply them at once."
    ),
    "kitchen-one-hand": (
        "Invent a challenge for a cookery school in which every pair has one good hand each and a recipe that one of "
        "them may read but not say aloud. It ends with a meal for eight that has to be served hot."
    ),
    "rainy-festival": (
        "A village festival has been rained off, but two hundred people sit in a barn with benches, straw and one "
        "accordion. Invent a challenge that everybody can join within five minutes, that lasts an hour and needs no "
        "prize."
    ),
    "translators": (
        "Invent a challenge for three translators who share no common language but each speak one language of each "
        "of the others. They receive one object, not a text, and one evening. What they hand in at midnight must show "
        "whether they succeeded."
    ),
    "mountain-hut": (
        "Invent a challenge for a mountain hut where hikers come and go. Each guest stays one night, adds one step, "
        "and never meets the ones before. It should grow over a summer into something that the warden is glad to keep "
        "through the winter."
    ),
    "astronomy-cloud": (
        "Invent a challenge for an astronomy club on a night when clouds cover the whole sky. Telescopes stay packed, "
        "members are between nine and ninety years old, and at the end each must have noticed something that they "
        "never noticed before."
    ),
    "apprentices": (
        "Invent a final challenge for apprentice joiners that cannot be bought, copied from a plan or finished alone. "
        "They get three days, two planks and a stranger who knows nothing of wood. Say what the examiners should look "
        "at."
    ),
    "office-archive": (
        "Invent a challenge for an archive whose staff have to move nine kilometres of files to another building "
        "within a month. It should make the dull work lighter, punish nobody who is slow, and bring to light "
        "something that nobody was looking for."
    ),
    "ferry": (
        "Invent a challenge for a ferry that crosses a bay thirty times a day with the same crew. Passengers may be "
        "part of it without knowing the rules, safety must never suffer, and one round should take exactly one "
        "working day."
    ),
    "school-without-words": (
        "Invent a challenge for a class of twelve-year-olds from nine countries on their first day together. It may "
        "use the whole school yard, chalk and string, but no spoken or written language, and nobody may be left "
        "standing at the end."
    ),
    "museum-guards": (
        "Invent a challenge for museum guards who must stand still and watch for seven hours. It has to make them "
        "better at their work, stay invisible to visitors and management, and let a guard of the modern wing compete "
        "with one of the armoury."
    ),
    "beekeepers": (
        "Invent a friendly challenge between beekeepers in the city and beekeepers in the hills. Honey must not be "
        "weighed or tasted, the bees decide as much as the people do, and it can be repeated every spring."
    ),
    "power-cut": (
        "The power fails in a block of sixty flats on a winter evening and will be back in three hours. Invent a "
        "challenge that brings the people of all floors into it, by candle and torch light, and stops by itself when "
        "the lamps come on."
    ),
    "long-distance-friends": (
        "Invent a challenge for two friends who live eleven time zones apart and have let letters lapse. It should "
        "take ten minutes of each day, cost nothing, use no screen, and be impossible to win by only one of them."
    ),
    "orchestra-rehearsal": (
        "Invent a challenge for an orchestra that has rehearsed the same symphony for five weeks and is bored with "
        "it. It fills one rehearsal, involves the conductor as a loser, and sends everybody home hearing the piece "
        "anew."
    ),
    "night-bus": (
        "Invent a challenge for the driver and the regular passengers of the last bus of the night. Some are tired, "
        "some are merry, one always sleeps. It may use only the route, the stops and the things that people happen to "
        "carry."
    ),
}


@prompt_sets.register
class Challenges(PromptSet):
    """Twenty-four briefs."""

    name = "challenges"
    label = "Invent a challenge (24 briefs)"
    task_family = "invent_a_challenge"
    about = "Each describes people, a place and limits, and asks for a challenge that they could take up."
    source = (
        "Our own briefs, in the spirit of invention tasks that ask for a challenge rather than for a solution, and of "
        "constraints as a help to creative work (Stokes, 2005, Creativity from Constraints). They are no published "
        "test: there are no norms, and no result is comparable with other lists of prompts."
    )
    prompts = tuple(SetPrompt(f"challenge-{key}", text) for key, text in BRIEFS.items())
