-- Runs before every script. Takes away what reads files, prints, loads code or runs where no clock stops it, and adds
-- what Argo CD's dialect of Lua (gopher-lua, 5.1) has besides.

for _, name in ipairs({ "collectgarbage", "coroutine", "dofile", "load", "loadfile", "loadstring", "print" }) do
  _G[name] = nil
end
function print() end

os = { time = os.time, date = os.date }
function require(name)
  local libraries = { os = os, table = table, string = string, math = math }
  return libraries[name] or error("there is no module '" .. tostring(name) .. "'", 2)
end

-- A finalizer runs with hooks off, so nothing could end it.
local set, get, fail = setmetatable, rawget, error
function setmetatable(table, meta)
  if type(meta) == "table" and get(meta, "__gc") ~= nil then
    fail("finalizers are not offered here", 2)
  end
  return set(table, meta)
end

-- An error handler runs with hooks off too if it was a hook that raised the error, so this one runs afterwards.
local try = pcall
function xpcall(work, handler, ...)
  local function ended(well, ...)
    if well then
      return true, ...
    end
    return false, handler((...))
  end
  return ended(try(work, ...))
end

unpack = unpack or table.unpack
function table.getn(list)
  return #list
end
if string then
  string.dump = nil
end

actionParams = {}
