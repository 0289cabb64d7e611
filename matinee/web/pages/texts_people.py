"""The English of the pages about what people keep: watchlist, history, devices and groups."""

WATCHLIST = {
    "title": "Watchlist",
    "heading": "Watchlist",
    "lead": "{n} you want to watch.",
    "none": "Nothing here yet. Add films you want to watch, on their pages or in your lists.",
    "for_you": "See your list",
    "add": "Add to watchlist",
    "add_of": "Add {name} to your watchlist",
    "on": "On your watchlist",
    "remove_of": "On your watchlist: {name}. Remove it",
    "sort": "Sort by",
    "added": "Added last",
    "best": "Best match",
    "newest": "Newest film",
    "apply": "Sort",
    "seen": "Rated since",
    "failed": "Not saved. Try again.",
}

EVERYTHING = {
    "lead": "Nothing is saved yet. Ratings of the same films will be overwritten.",
    "ratings": "Ratings, with their dates",
    "watchlist": "On your watchlist",
    "not_seen": "Haven't seen",
    "not_interested": "Not interested",
    "group": "The group {name}",
    "unknown": "{n} of this file aren't in this catalog.",
    "keep": "Save everything",
}

HISTORY = {
    "search": "Search your ratings",
    "stars": "Stars",
    "any": "any",
    "sort": "Sort by",
    "sort_date": "Last rated",
    "sort_oldest": "First rated",
    "sort_highest": "Highest rating",
    "sort_lowest": "Lowest rating",
    "sort_title": "Title",
    "sort_difference": "Difference from prediction",
    "apply": "Show",
    "found": "{n} of {of}.",
    "all": "Show all",
    "predicted": "predicted {stars}",
    "over_time": "Your ratings over time",
    "period": "When",
    "n": "Ratings",
    "mean": "Average",
    "mean_of": "Average, from {low} to {high}",
}

DEVICES = {
    "heading": "Use on another device",
    "short": "Use on another device",
    "lead": "Your ratings are kept under a key in this browser. Here you take them elsewhere.",
    "lead_none": "Rate a film first; then you can take your ratings to another device.",
    "link": "Link for another device",
    "link_lead": (
        "Open it there, or scan its code with the camera. It works once, for {minutes} minutes. "
        "This browser keeps working, and both use the same ratings."
    ),
    "link_make": "Create a link",
    "link_shown": (
        "Scan this with the other device, or open the link there. It works once, for "
        "{minutes} minutes, and is shown only now. Whoever has it can see and change your ratings."
    ),
    "qr": "QR code of the link below",
    "code": "Recovery code",
    "code_lead": "With it you find your ratings again if this browser loses them.",
    "code_has": "You have one; a new one replaces it.",
    "code_make": "Create a recovery code",
    "code_again": "Create a new recovery code",
    "code_shown": "Write it down and keep it safe. It is shown only now.",
    "use": "Have a recovery code?",
    "use_code": "Recovery code",
    "use_do": "Get my ratings",
    "wrong_code": "No ratings have this recovery code. Check its spelling.",
    "brings": "Add the ratings of this browser to them",
    "join": "Use your ratings on this device?",
    "join_lead": "This browser and the other one then use the same ratings.",
    "join_do": "Use them here",
    "brings_n": "Add the {n} of this browser to them",
    "gone_heading": "This link doesn't work",
    "gone": "It was used before or has expired. Create a new one on your other device.",
}

TOGETHER = {
    "title": "Together",
    "heading": "Watch together",
    "lead": (
        "Make a group, send your friends its link, and get one list for all of you. "
        "Everyone sees who is in the group and what each would probably like; nobody sees "
        "other people's ratings."
    ),
    "steps": "How it works",
    "step_make": "Make a group. You need no account, only a name that your friends recognize.",
    "step_send": "Send the link. Whoever opens it can join and rate a few films.",
    "step_pick": (
        "Pick a film from one list that shows what each of you would probably give it. Mark what "
        "you have seen, and what you would rather not watch."
    ),
    "name": "Your name in the group",
    "group_name": "Name of the group",
    "group_name_hint": "For example, Friday films",
    "group_of": "{name}'s group",
    "unnamed": "the group",
    "make": "Make a group",
    "groups": "Your groups",
    "with": "With {names}",
    "alone": "Only you so far",
    "join_heading": "{names} would like to watch something with you",
    "join_nobody": "A group to watch something together",
    "join_lead": (
        "Join, and the list takes your taste into account too. The others see your "
        "name and what you would probably give the films on the list, not your ratings."
    ),
    "join": "Join",
    "members": "Members",
    "you": "you",
    "unrated": "no ratings yet",
    "rate_first": "You haven't rated anything yet, so you count as an average viewer.",
    "rate": "Rate some films",
    "link": "Invitation link",
    "link_hint": "Anyone with this link can join.",
    "link_gone": "The link of this group can't be shown. {maker} can create a new one.",
    "new_link": "Create a new link",
    "made_it": "made the group",
    "remove": "Remove",
    "remove_of": "Remove {name} from the group",
    "only_maker": "Only the person who made the group can do this.",
    "no_member": "This person is not in the group any more.",
    "who": "Who would like it",
    "seen": "I've seen it",
    "seen_of": "I have seen {name}",
    "unseen_of": "You said that you have seen {name}. Take it back",
    "veto": "Veto",
    "veto_of": "Veto {name}: the group won't watch it",
    "unveto": "Allow again",
    "unveto_of": "Allow {name} again",
    "seen_by": "Seen by {names}",
    "you_have_seen": "You've seen it",
    "vetoed": "Vetoed",
    "vetoed_by": "Vetoed by {names}",
    "ask_link": "Create a new link?",
    "ask_link_lead": (
        "The present link stops working. Members stay in the group; friends who have not "
        "joined yet need the new link."
    ),
    "ask_link_do": "Create a new link",
    "ask_remove": "Remove {name}?",
    "ask_remove_lead": (
        "The list no longer takes their taste into account. With the present link they can "
        "join again, so create a new one too if they should not."
    ),
    "ask_remove_do": "Remove",
    "ask_leave": "Leave {name}?",
    "ask_leave_lead": "To come back, you need the link. A group without members is deleted.",
    "ask_leave_do": "Leave the group",
    "keep": "Cancel",
    "list": "Picks for the group",
    "how": "How to combine tastes",
    "mean": "Best on average",
    "mean_hint": "the highest average",
    "least-misery": "Nobody hates it",
    "least-misery_hint": "the highest lowest rating",
    "genre": "Genre",
    "any": "any",
    "apply": "Show",
    "group_stars": "Predicted for the group",
    "leave": "Leave the group",
    "copy_link": "Copy the link",
    "copied": "Copied",
}
