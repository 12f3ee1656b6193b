//! The machine that a script runs on: a new one each time, so that no script sees what another left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mlua::chunk::ChunkMode;
use mlua::serde::{LuaSerdeExt, SerializeOptions};
use mlua::{Function, HookTriggers, Lua, LuaOptions, MultiValue, StdLib, Table, Value as LuaValue, VmState};
use serde_json::Value;

use super::bounded::Error;
use super::script::Script;
use crate::health::verdict::{Health, Status};

/// How many bytes a script and its object may take.
pub(super) const MEMORY: usize = 32 << 20;

/// How many instructions pass between two looks at the time.
const STRIDE: u32 = 10_000;

/// What every script finds changed: see there.
const FENCE: &str = include_str!("fence.lua");

/// Runs a script on an object until it ends, or until `late` is set and it runs an instruction.
pub(super) fn run(script: &Script, object: &Value, late: &Arc<AtomicBool>) -> Result<Option<Health>, Error> {
    let result = evaluated(script, object, late);
    if late.load(Ordering::Relaxed) {
        return Err(Error::TooSlow);
    }
    result.unwrap_or_else(|error| Err(failure(&error)))
}

/// Whether a text is Lua; `Err` says where it is not.
pub(super) fn compiles(text: &str) -> Result<(), String> {
    let compiled = Lua::new_with(StdLib::NONE, LuaOptions::new()).and_then(|lua| chunk(&lua, text).map(drop));
    compiled.map_err(|error| first_line(&error))
}

fn evaluated(script: &Script, object: &Value, late: &Arc<AtomicBool>) -> mlua::Result<Result<Option<Health>, Error>> {
    let lua = fenced(script.libraries)?;
    lua.set_memory_limit(MEMORY)?;
    stop_when(&lua, late, STRIDE)?;
    // A field that is null is a field that is not there, as it is for Argo CD.
    let options = SerializeOptions::new()
        .set_array_metatable(false)
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false);
    lua.globals().set("obj", lua.to_value_with(object, options)?)?;
    let returned: MultiValue = chunk(&lua, &script.text)?.call(())?;
    match returned.into_iter().next_back() {
        None | Some(LuaValue::Nil) => Ok(Ok(None)),
        Some(LuaValue::Table(table)) => verdict(&table).map(Ok),
        Some(other) => Ok(Err(Error::NoTable(other.type_name()))),
    }
}

/// Makes a machine that can compute and no more. It never gets `io` and `debug`; of `os` it keeps the time.
fn fenced(libraries: bool) -> mlua::Result<Lua> {
    let more = if libraries {
        StdLib::STRING | StdLib::MATH
    } else {
        StdLib::NONE
    };
    let lua = Lua::new_with(StdLib::TABLE | StdLib::OS | more, LuaOptions::new())?;
    lua.load(FENCE).set_name("=fence").set_mode(ChunkMode::Text).exec()?;
    Ok(lua)
}

/// Raises an error every `stride` instructions once it is late, and from then on at each one: a script that catches the
/// first in a loop would go on for ever.
fn stop_when(lua: &Lua, late: &Arc<AtomicBool>, stride: u32) -> mlua::Result<()> {
    let late = Arc::clone(late);
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(stride), move |lua, _| {
        if !late.load(Ordering::Relaxed) {
            return Ok(VmState::Continue);
        }
        if stride > 1 {
            stop_when(lua, &late, 1)?;
        }
        Err(mlua::Error::runtime("its time is up"))
    })
}

/// Compiles a text. A chunk that is compiled already could crash the machine, so only text will do.
fn chunk(lua: &Lua, text: &str) -> mlua::Result<Function> {
    lua.load(text)
        .set_name("=health.lua")
        .set_mode(ChunkMode::Text)
        .into_function()
}

/// Reads what a script returned as Argo CD does (`util/lua/lua.go`, `ExecuteHealthLua`): an empty table, or one with a
/// field of another type than text, says nothing; a status that there is none of is unknown.
fn verdict(table: &Table) -> mlua::Result<Option<Health>> {
    let field = |name: &str| -> mlua::Result<Option<String>> {
        Ok(match table.raw_get(name)? {
            LuaValue::Nil => Some(String::new()),
            LuaValue::String(text) => Some(text.to_string_lossy()),
            _ => None,
        })
    };
    let is_list = table.raw_len() > 0;
    let (Some(status), Some(message)) = (field("status")?, field("message")?) else {
        return Ok(None);
    };
    if is_list || table.is_empty() {
        return Ok(None);
    }
    let status = serde_json::from_value::<Status>(Value::String(status));
    Ok(Some(status.map_or_else(
        |_| Status::Unknown.because("it returned a status that there is none of"),
        |status| status.because(message),
    )))
}

fn failure(error: &mlua::Error) -> Error {
    let mut cause = error;
    while let mlua::Error::CallbackError { cause: inner, .. } = cause {
        cause = inner;
    }
    match cause {
        mlua::Error::MemoryError(_) => Error::TooLarge,
        other => Error::Failed(first_line(other)),
    }
}

/// Returns what went wrong without the trace of calls, which says nothing to who did not write the script.
fn first_line(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::RuntimeError(text) | mlua::Error::SyntaxError { message: text, .. } => text.clone(),
        other => other.to_string(),
    };
    text.lines().next().unwrap_or_default().to_owned()
}
