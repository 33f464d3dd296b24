"""What is true in the small world: its words and facts, as tables, and the rule that holds some of it out.

Everything that the quickstart's model ever reads is made from these tables; nothing is downloaded.
"""

from __future__ import annotations

import hashlib


def share(*key: object) -> float:
    """A number in [0, 1) that depends on the key alone: what decides a hold-out, the same in every process."""
    digest = hashlib.blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def words(text: str) -> tuple[str, ...]:
    """The words of a text, to write tables briefly."""
    return tuple(text.split())


def _grouped(groups: dict[str, str]) -> dict[str, str]:
    return {word: group for group, members in groups.items() for word in members.split()}


def _paired(pairs: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in pairs.split())


CAPITALS = _paired(
    "France:Paris Spain:Madrid Italy:Rome Germany:Berlin Japan:Tokyo China:Beijing Russia:Moscow Egypt:Cairo "
    "Greece:Athens Norway:Oslo Sweden:Stockholm Finland:Helsinki Denmark:Copenhagen Portugal:Lisbon Ireland:Dublin "
    "Poland:Warsaw Austria:Vienna Hungary:Budapest Turkey:Ankara Iran:Tehran Iraq:Baghdad India:Delhi "
    "Thailand:Bangkok Vietnam:Hanoi Cuba:Havana Peru:Lima Chile:Santiago Canada:Ottawa Kenya:Nairobi Ghana:Accra "
    "Senegal:Dakar Nepal:Kathmandu Ukraine:Kyiv Belgium:Brussels Bulgaria:Sofia Romania:Bucharest Serbia:Belgrade "
    "Croatia:Zagreb Latvia:Riga Cyprus:Nicosia"
)
CONTINENTS = _grouped(
    {
        "Europe": "France Spain Italy Germany Greece Norway Sweden Finland Denmark Portugal Ireland Poland Austria "
        "Hungary Ukraine Belgium Bulgaria Romania Serbia Croatia Latvia",
        "Asia": "Japan China Iran Iraq India Thailand Vietnam Nepal",
        "Africa": "Egypt Kenya Ghana Senegal",
        "America": "Cuba Peru Chile Canada",
    }
)
ANIMALS = _grouped(
    {
        "mammal": "dog cat horse cow whale bear lion mouse rabbit sheep",
        "bird": "eagle robin sparrow owl duck penguin hen crow swan parrot",
        "fish": "salmon trout tuna shark cod herring carp eel",
        "insect": "ant bee wasp beetle moth butterfly fly cricket",
        "reptile": "lizard snake turtle crocodile gecko cobra",
    }
)
COLOURS = _grouped(
    {
        "red": "blood tomato cherry ruby strawberry",
        "yellow": "lemon banana butter canary sunflower",
        "green": "grass lime emerald cucumber spinach",
        "white": "snow milk salt chalk cotton",
        "black": "coal tar soot ink raven",
        "blue": "sapphire ocean bluebell denim sky",
        "brown": "chocolate soil coffee cocoa walnut",
    }
)
SOUNDS = _paired(
    "dog:barks cat:meows cow:moos sheep:bleats duck:quacks hen:clucks lion:roars owl:hoots bee:buzzes snake:hisses "
    "horse:neighs mouse:squeaks"
)
MATERIALS = _paired(
    "bread:flour wine:grapes cheese:milk paper:wood glass:sand tyre:rubber shirt:cotton sword:steel candle:wax "
    "brick:clay omelette:eggs cider:apples ring:gold rope:hemp jam:fruit"
)
FACTS: dict[str, dict[str, str]] = {
    "capital": CAPITALS,
    "continent": CONTINENTS,
    "animal": ANIMALS,
    "colour": COLOURS,
    "sound": SOUNDS,
    "material": MATERIALS,
}
"""Family of facts → thing → what is true of it."""

OPPOSITES = _paired(
    "hot:cold big:small tall:short fast:slow old:new light:dark happy:sad good:bad rich:poor early:late hard:soft "
    "wet:dry full:empty open:closed clean:dirty strong:weak loud:quiet high:low wide:narrow thick:thin deep:shallow "
    "heavy:weightless cheap:expensive easy:difficult near:far up:down left:right in:out true:false day:night "
    "summer:winter north:south east:west love:hate win:lose buy:sell push:pull begin:end give:take arrive:leave "
    "rise:fall laugh:cry friend:enemy peace:war life:death"
)

NOUNS = _paired(
    "dog:dogs cat:cats boy:boys girl:girls teacher:teachers doctor:doctors farmer:farmers child:children man:men "
    "woman:women king:kings horse:horses bird:birds friend:friends sister:sisters brother:brothers baker:bakers "
    "driver:drivers student:students mouse:mice"
)
"""Singular → plural, of those who can do something."""
VERBS = tuple(
    tuple(forms.split(":"))
    for forms in words(
        "sleeps:sleep:slept runs:run:ran sings:sing:sang walks:walk:walked jumps:jump:jumped laughs:laugh:laughed "
        "waits:wait:waited smiles:smile:smiled cries:cry:cried works:work:worked swims:swim:swam plays:play:played "
        "dances:dance:danced eats:eat:ate talks:talk:talked listens:listen:listened"
    )
)
"""Third person singular, plural, past."""
MORE = _paired(
    "big:bigger small:smaller tall:taller short:shorter fast:faster slow:slower old:older new:newer hot:hotter "
    "cold:colder good:better bad:worse happy:happier sad:sadder rich:richer poor:poorer hard:harder soft:softer "
    "wet:wetter dry:drier clean:cleaner dirty:dirtier strong:stronger weak:weaker high:higher low:lower wide:wider "
    "thick:thicker thin:thinner deep:deeper heavy:heavier cheap:cheaper easy:easier"
)
MANY = NOUNS | _paired(
    "cup:cups box:boxes knife:knives foot:feet tooth:teeth goose:geese leaf:leaves baby:babies city:cities fish:fish "
    "bus:buses key:keys wolf:wolves ox:oxen loaf:loaves"
)
PAST = {plural: past for _, plural, past in VERBS} | _paired(
    "go:went see:saw buy:bought bring:brought think:thought write:wrote drink:drank fly:flew give:gave take:took "
    "find:found break:broke"
)
FORMS: dict[str, dict[str, str]] = {"more": MORE, "many": MANY, "past": PAST}
"""Kind of word form → word → its form."""

DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = words("January February March April May June July August September October November December")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

PRAISED = words(
    "film book song meal soup hotel room game party story music service bread show concert picture garden trip lesson "
    "car phone chair coffee museum beach"
)
PRAISE = words(
    "great lovely wonderful excellent amazing fantastic beautiful delicious perfect pleasant charming brilliant superb "
    "fine nice"
)
BLAME = words(
    "awful terrible horrible boring nasty dreadful ugly poor broken disgusting dull rude unpleasant useless weak"
)

TOPICS: dict[str, tuple[str, ...]] = {
    topic: words(members)
    for topic, members in {
        "animals": "dog cat horse cow whale bear lion mouse eagle owl duck trout snake goat",
        "food": "bread cheese soup apple rice pasta butter cake egg honey salad noodle",
        "money": "card bank coin price bill cash cheque salary wallet tax fee invoice refund payment",
        "clothes": "shirt jacket coat hat shoe sock glove scarf dress belt boot",
        "post": "parcel letter stamp courier address postcode envelope box delivery street",
        "computers": "password laptop browser screen keyboard app code file login account email",
        "furniture": "chair table sofa desk lamp bed shelf mirror carpet stool",
        "weather": "rain snow wind storm cloud sun fog ice thunder",
        "kitchen": "kettle blender toaster mixer pan knife fork spoon oven plate",
        "sport": "ball goal team race tennis football bike swimming medal coach",
    }.items()
}

PEOPLE = words("Tom Ann Sam Eva Max Lily Ben Kate Leo Mia Jack Rose Paul Nina Mark Ruth Adam Jane Hugo Clara")
OBJECTS = words("cup ball book key hat coin pen map lamp box bell kite drum rope shell spoon")
PLACES = words("market river school park farm beach forest station kitchen library office shop")
ADJECTIVES = words("old young happy tired small tall kind clever")
"""What nouns that act can be."""
WEATHER = words("sunny rainy cold warm windy snowy")


def with_article(word: str) -> str:
    """The word with `a` or `an`.

    >>> with_article("owl")
    'an owl'
    """
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def sentence_case(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
