"""Story premises: how a story begins, and nothing about how it goes on."""

from __future__ import annotations

from annotations.registry import PromptSet, SetPrompt, prompt_sets

ASKED = "Write a short story of about 250 words from this premise. {premise}"
PREMISES = {
    "piano-tuner": (
        "A piano tuner is called to a house where every piano has the same key missing, and the owner asks him to "
        "tune the gap."
    ),
    "census": (
        "During a census, an official finds a street whose inhabitants all give the same date of birth and refuse to "
        "say which year."
    ),
    "glacier-post": (
        "A glacier gives back a mailbag after sixty years. The village postwoman decides to deliver the letters, one "
        "each Monday, beginning with her own family."
    ),
    "substitute": (
        "A substitute teacher notices on the third day that one pupil answers to every name in the register, and that "
        "nobody else finds it strange."
    ),
    "dam": (
        "The valley will be flooded in spring. A clockmaker stays behind to wind the church clock, which she has "
        "promised to somebody for as long as it can be heard."
    ),
    "understudy": (
        "For twenty years an understudy has waited for the lead to fall ill. Tonight the lead comes to her dressing "
        "room and asks her to stay at home."
    ),
    "orchard": (
        "Two brothers inherit an orchard on condition that they never prune the tree in the middle. The condition is "
        "in their mother's handwriting and dated tomorrow."
    ),
    "lifeguard": (
        "A lifeguard at an inland lake keeps a list of those who said thank you. One August morning there is a name on "
        "it that she did not write."
    ),
    "cartographer": (
        "An island appears on a new sea chart by a printing error. Three weeks later the harbour office receives the "
        "first request for a mooring there."
    ),
    "quiet-factory": (
        "A factory that makes alarm clocks falls silent for one minute each day at 11:20. The new bookkeeper is the "
        "first in years to ask why."
    ),
    "interpreter": (
        "An interpreter at a peace negotiation begins to leave out one word. Both delegations grow friendlier by the "
        "hour, and she does not know how to put it back."
    ),
    "hotel-key": (
        "In a seaside hotel about to be pulled down, a guest from years ago returns a room key. There has never been a "
        "room with that number."
    ),
    "beekeeper-trial": (
        "A village holds a trial over whether a swarm of bees may be owned by the man into whose coat it settled. The "
        "coat is borrowed."
    ),
    "night-shift-zoo": (
        "On the night shift in a city zoo, a keeper hears the parrots hold the same conversation every night, and in "
        "it somebody is planning a journey."
    ),
    "last-speaker": (
        "The last speaker of a language sells its words one by one at a street market, and a young customer comes back "
        "to complain that hers does not work."
    ),
    "bridge-toll": (
        "A woman has collected the toll on a small bridge all her life. When the river changes its course, travellers "
        "keep coming, and keep paying."
    ),
    "chess-by-post": (
        "Two men have played chess by post since their schooldays. The latest card holds a legal move, in the right "
        "hand, from a man who died in March."
    ),
    "weather-insurance": (
        "A farmer insures his wedding day against good weather. The company sends its youngest inspector to find out "
        "what he knows about that Saturday."
    ),
    "choir-extra-voice": (
        "The recording of a village choir has one voice too many. Each of the eleven singers believes that it is their "
        "own, and wants it removed."
    ),
    "moving-day": (
        "Three generations carry a wardrobe down six flights of stairs. On each landing someone remembers a different "
        "reason why it must not be opened."
    ),
    "allotment-astronaut": (
        "A woman who was trained for space and never flew grows potatoes by a schedule that only the control room "
        "would understand. One day a neighbour begins to follow it."
    ),
    "museum-label": (
        "Someone has been exchanging the labels in a provincial museum, a few each month. The director discovers it "
        "when a visitor weeps in front of a butter churn."
    ),
    "border-cafe": (
        "The border runs through a café, and the waiter's shift ends on the other side. On a night when the crossing "
        "is closed, one guest will not stop ordering."
    ),
    "identical-letters": (
        "Every household in a small town gets the same handwritten apology, unsigned. By evening, everybody has "
        "decided who it is from, and no two agree."
    ),
}


@prompt_sets.register
class StoryPremises(PromptSet):
    """Twenty-four premises."""

    name = "story_premises"
    label = "Story premises (24 premises)"
    task_family = "story_premises"
    about = "Each gives the situation a story starts from, and asks for about 250 words."
    source = (
        "Our own premises. The task follows studies in which stories by people and by models grow from the same "
        "one-sentence premise (for example Chakrabarty et al., 2024, Art or Artifice?, CHI), but takes no premise from "
        "them. About 250 words keep two stories readable side by side; what long stories need, such as pacing, cannot "
        "be judged on them."
    )
    prompts = tuple(SetPrompt(f"story-{key}", ASKED.format(premise=text)) for key, text in PREMISES.items())
