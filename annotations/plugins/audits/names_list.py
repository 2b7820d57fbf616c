"""Names of models and vendors, by how sure a mention of them is. As of November 2026; add what is missing."""

# ruff: noqa: E501 - patterns and lists of words are easier to read whole

from __future__ import annotations

# Patterns that mean a model or its maker wherever they stand. Matched with word boundaries, whatever the case.
CERTAIN = (
    r"chat[ -]?gpt(?:[ -]?\d[\w.]*|s)?",
    r"(?-i:(?:an? |like |other |these )GPTs?(?: model)?|GPTs)",
    r"gpt[ -]?[1-9](?:\.\d)?(?:[ -]?(?:o|turbo|mini|nano|pro|codex|vision|oss))*",
    r"gpt[ -]?(?:oss|neox?|j)(?:[ -]?\d+b)?",
    r"openais?|(?-i:Open AI)|(?:by|from|at) open ai",
    r"o[134][ -](?:mini|preview|pro|high)",
    r"text-davinci-\d+|davinci-00\d|code-davinci-\d+",
    r"anthropic['’]s claude|claude[ -](?:instant|sonnet|opus|haiku|v?\d[\w.\-]*|code|ai)",
    r"anthropic(?! (?:principle|reasoning|bias|shadow))",
    r"deepmind|(?-i:Deep Mind)",
    r"deepseek(?:[ -](?:r\d|v\d|coder|chat)[\w.]*)?",
    r"qwen[ -]?\d*(?:\.\d)?(?:[ -](?:max|plus|turbo|coder|chat|instruct|\d+b))*",
    r"qwq(?:-\d+b)?",
    r"tongyi qianwen|通义千问|文心一言|豆包|智谱清言",
    r"mixtral(?:[ -][\w.]+)?|ministral|codestral|magistral|pixtral|mistral[ -](?:ai|large|small|medium|nemo|\d[\w.]*|instruct)",
    r"llama[ -]?(?:[1-9](?:\.\d)?\b|chat|instruct|\d+b)|code ?llama|tinyllama|openllama|(?-i:Llama[ -]Guard)|meta[ -]llama",
    r"gemini[ -](?:\d(?:\.\d)?|pro|ultra|nano|flash|advanced|ai)|google gemini",
    r"gemma[ -]?(?:[1-9](?:\.\d)?|\d+b)|codegemma|paligemma",
    r"palm[ -]2|lamda ai|google bard|bard ai",
    r"grok[ -]?[1-9](?:\.\d)?|xai['’]s",
    r"falcon[ -]?(?:\d+b|instruct|llm)",
    r"vicuna[ -]?(?:\d+b|v\d[\w.]*)|alpaca[ -]?(?:\d+b|lora)|wizardlm|guanaco-\d+b|koala-\d+b",
    r"phi[ -](?:1\.5|2|3|3\.5|4)(?:[ -](?:mini|small|medium|vision))?(?=\b)",
    r"yi-\d+b|internlm\d*|baichuan\d*|chatglm\d*|glm-[1-9][\w.]*|ernie bot|hunyuan|moonshot ai|kimi k\d|minimax-[\w.]+",
    r"command[ -]r\+?(?=\W|$)|cohere (?:ai|labs|for ai)|aya[ -](?:expanse|23|101)",
    r"starcoder\d*|santacoder|stablelm|stability ai|bloomz|olmo[ -]?\d*|olmoe|tülu|tulu[ -]?[23]|nemotron[\w\-]*|granite-\d[\w.]*",
    r"gpt4all|openassistant|(?-i:Open Assistant)|mpt-\d+b|dolly[ -]v?\d|redpajama|pythia-[\d.]+[bm]|cerebras-gpt|opt-\d[\d.]*[bm]",
    r"zephyr-\d+b|openhermes|nous[ -]hermes|dolphin-[\d.]+|solar-[\d.]+b|smollm\d*|exaone|jamba[ -][\d.]+|dbrx|eleutherai|huggingface|(?-i:Hugging Face)",
    r"perplexity ai|character\.ai|inflection ai|microsoft copilot|github copilot|amazon titan|amazon nova|reka (?:core|flash|edge)",
    r"flan-t5[\w-]*|yandexgpt|gigachat|(?:чат|яндекс)[ -]?(?:гпт|gpt)\w*|гигачат|克劳德|讯飞星火|شات[ -]?جي[ -]?بي[ -]?تي",
    r"\w+-\d+(?:\.\d+)?b-(?:instruct|chat|base|it)",
)
# Words that also mean something else: with a hint of a machine beside them a leak, alone and capitalised a warning.
AMBIGUOUS = (
    "Claude",
    "Gemini",
    "Mistral",
    "Llama",
    "LLaMA",
    "Grok",
    "Copilot",
    "Bard",
    "Cohere",
    "Perplexity",
    "Gemma",
)
# As above, but so usual as names and words that only a hint makes them one.
USUAL = (
    "Falcon", "Vicuna", "Alpaca", "Phi", "Bloom", "BLOOM", "Nova", "Titan", "Orca", "Dolly", "PaLM", "Siri", "Alexa",
    "Cortana", "Pythia", "Zephyr", "Hermes", "Command", "Kimi", "Ernie", "Jamba", "Granite", "Sonnet", "Opus", "Haiku",
    "Google", "Meta", "Microsoft", "Amazon", "Alibaba", "Baidu", "Nvidia", "NVIDIA", "Apple", "Tencent", "ByteDance",
    "Mistral AI", "xAI", "Facebook", "IBM", "Zhipu", "Reka", "Pi", "Tülu", "Bing", "Aya",
)  # fmt: skip
# Signs in the text that an ambiguous word means the other thing, by word.
INNOCENT = {
    "Claude": r"Monet|Debussy|Van Damme|Rains|Lévi|Shannon|Jean|Giroux|Lorrain|Chabrol|painter|composer|Marie",
    "Gemini": r"zodiac|horoscop|astrolog|constellation|star sign|twins?\b|Taurus|Cancer|Leo\b|Virgo|Aries|Libra|Scorpio|"
    r"NASA|Apollo|spacecraft|capsule|born in (?:May|June)|birthday|Castor|Pollux",
    "Mistral": r"\bwinds?\b|Provence|Rhône|Rhone|Gabriela|Marseille|gust|blow|breeze|poet",
    "Llama": r"Andes|wool|animal|herd|Peru|fleece|farm|ranch|zoo|alpaca|spit|pasture|goat|sheep|trek|mountain|pack\b|drama",
    "Bard": r"Shakespeare|Avon|lute|song|tavern|poet|ballad|minstrel|stage|sing",
    "Grok": r"Heinlein|Stranger in a Strange Land|Martian",
    "Copilot": r"pilot|cockpit|flight|plane|aircraft|captain|cabin|wing",
    "Gemma": r"Arterton|Collins|Bovery|Doyle|sister|mother|aunt|daughter",
    "Perplexity": r"confus|bewilder|puzzle|frown",
    "Cohere": r"stick together|hold together",
}
# Parts of systems' names that say nothing, because texts hold them anyway.
GENERIC = frozenset(
    """
    a an the and or of in on at to for by with without from as is are be my our your their this that one two three four
    base based baseline baselines control treatment treated reference ref human humans person people writer writers author
    model models system systems arm arms group condition conditions variant version test final new old main default
    standard normal ordinary plain simple basic vanilla original raw clean mixed random routine common average typical
    steer steered steering activation weight weights weighted prompt prompted prompting tuned tune fine finetuned trained
    train training instruct instruction instructed chat assistant answer answers output outputs response text texts sample
    high low medium strong weak mild hot cold warm cool bold calm dry wild soft hard big small large little tiny short long
    fast slow deep light dark bright quiet loud rich poor good bad better best first second third last early late left
    right top bottom up down red green blue yellow white black grey gray gold silver orange purple pink brown
    creative creativity creation create novel novelty original originality surprise surprising diverse diversity variety
    idea ideas story stories poem use uses task neuro neuron brain mind head direction vector layer layers alpha beta gamma
    delta lambda sigma rho mask full half double single pair all none other another set run seed temp temperature topp
    expert experts student students crowd worker workers teacher king queen star sun moon sky sea fire water earth wind
    air stone tree bird fox owl cat dog bear wolf lion river mountain forest garden house home door window road city town
    creative routine machine machines alternative candidate proposed ours modified changed unchanged default lush dull free
    summer winter spring autumn north south east west time day night year name word words line page book
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is no easier to read
)
