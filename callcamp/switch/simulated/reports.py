"""AMI actions that report: on Asterisk itself, AstDB, modules, dialplan, endpoints."""

from __future__ import annotations

import time

from callcamp.switch.simulated.asked import MODULES, VERSION, Asked, Refusal
from callcamp.switch.simulated.call import Activity
from callcamp.switch.simulated.dialplan import CONTEXTS, NO_INCOMING
from callcamp.switch.simulated.phones import DEVICE_STATES


def core_status(asked: Asked) -> None:
    """Say when Asterisk was started and how many calls there are."""
    at = time.localtime(asked.desk.booted.at)
    date, clock = time.strftime("%Y-%m-%d", at), time.strftime("%H:%M:%S", at)
    asked.answer(
        "Success",
        ("CoreStartupDate", date),
        ("CoreStartupTime", clock),
        ("CoreReloadDate", date),
        ("CoreReloadTime", clock),
        ("CoreCurrentCalls", str(len(asked.desk.exchange.live))),
        ("CoreProcessedCalls", str(asked.desk.exchange.processed)),
    )


def core_settings(asked: Asked) -> None:
    """Say which version this is."""
    asked.answer(
        "Success",
        ("AMIversion", "11.0.0"),
        ("AsteriskVersion", f"{VERSION}+callcamp-simulated"),
        ("SystemName", ""),
        ("CoreMaxCalls", "0"),
        ("CoreMaxLoadAvg", "0.000000"),
        ("CoreRunUser", ""),
        ("CoreRunGroup", ""),
        ("CoreMaxFilehandles", "0"),
        ("CoreRealTimeEnabled", "No"),
        ("CoreCDRenabled", "Yes"),
        ("CoreHTTPenabled", "No"),
        ("SoundsSearchCustomDir", "No"),
    )


def core_show_channels(asked: Asked) -> None:
    """List the live calls."""
    now = asked.desk.timeline.now
    items = []
    for call in asked.desk.exchange.live.values():
        seconds = int(now - call.created_at)
        doing = call.activity or Activity("AppDial2", "(Outgoing Line)")
        pairs = [
            *call.snapshot(priority="1" if call.answered_at is None else "8"),
            ("Application", doing.app),
            ("ApplicationData", doing.data),
            ("Duration", f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"),
            ("BridgeId", ""),
        ]
        items.append(asked.item("CoreShowChannel", pairs))
    asked.items("Channels will follow", items, "CoreShowChannelsComplete")


def _db_key(asked: Asked) -> tuple[str, str]:
    family, key = asked.action.get("Family"), asked.action.get("Key")
    if not family:
        raise Refusal("No family specified.")
    if not key:
        raise Refusal("No key specified.")
    return family, key


def db_get_tree(asked: Asked) -> None:
    """List the entries of AstDB under a family."""
    family, key = asked.action.get("Family"), asked.action.get("Key")
    items = (
        asked.item("DBGetTreeResponse", [("Key", path), ("Val", value)], id_last=True)
        for path, value in asked.desk.db.tree(family, key)
    )
    asked.items("Result will follow", items, "DBGetTreeComplete")


def db_get(asked: Asked) -> None:
    """Read one entry of AstDB."""
    family, key = _db_key(asked)
    value = asked.desk.db.get(family, key)
    if value is None:
        raise Refusal("Database entry not found")
    pairs = [("Family", family), ("Key", key), ("Val", value)]
    items = [asked.item("DBGetResponse", pairs, id_last=True)]
    asked.items("Result will follow", items, "DBGetComplete")


def db_put(asked: Asked) -> None:
    """Write one entry of AstDB."""
    asked.desk.db.put(*_db_key(asked), asked.action.get("Val"))
    asked.succeed("Updated database successfully")


def db_del(asked: Asked) -> None:
    """Delete one entry of AstDB."""
    if not asked.desk.db.delete(*_db_key(asked)):
        raise Refusal("Database entry could not be deleted")
    asked.succeed("Key deleted successfully")


def db_del_tree(asked: Asked) -> None:
    """Delete all entries of AstDB under a family."""
    family, key = asked.action.get("Family"), asked.action.get("Key")
    if not family:
        raise Refusal("No family specified.")
    if not asked.desk.db.delete_tree(family, key):
        raise Refusal("Database entry not found")
    asked.succeed("Key tree deleted successfully")


def module_check(asked: Asked) -> None:
    """Say whether a module is loaded."""
    if asked.action.get("Module").removesuffix(".so") not in MODULES - asked.desk.lacks:
        raise Refusal("Module not loaded")
    asked.answer("Success", ("Version", ""))


def show_dialplan(asked: Asked) -> None:
    """Show one context of the dialplan."""
    context = asked.action.get("Context")
    if context not in CONTEXTS - asked.desk.lacks:
        raise Refusal(f"Did not find context {context}")
    pairs = [
        ("Context", context),
        ("Extension", "s"),
        ("Priority", "1"),
        ("Application", "NoOp"),
        ("AppData", ""),
        ("Registrar", "pbx_config"),
    ]
    asked.items(
        "DialPlan list will follow",
        [asked.item("ListDialplan", pairs)],
        "ShowDialPlanComplete",
        ("ListExtensions", "1"),
        ("ListPriorities", "1"),
        ("ListContexts", "1"),
    )


def pjsip_show_endpoint(asked: Asked) -> None:
    """Show one endpoint."""
    name = asked.action.get("Endpoint")
    if not asked.desk.has_endpoint(name):
        raise Refusal(f"Unable to retrieve endpoint {name}\n")
    status = asked.desk.phones.status(f"PJSIP/{name}")
    pairs = [
        ("ObjectType", "endpoint"),
        ("ObjectName", name),
        ("Context", NO_INCOMING),
        ("DeviceState", DEVICE_STATES[status][1]),
        ("ActiveChannels", str(len(asked.desk.exchange.live))),
    ]
    asked.items(
        "Following are Events for each object associated with the Endpoint",
        [asked.item("EndpointDetail", pairs)],
        "EndpointDetailComplete",
    )
