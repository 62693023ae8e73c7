// What the harnesses of both interfaces share: files, probes, frames. A simulator writes one frame a cycle to standard output: 32-bit
// little-endian words {cycle, ports..., probes...}. Probes are found by name at run time: the design is not touched.
//
// Usage: simulator <top module> <stimulus file> <probe file>
#pragma once
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "Vdesign.h"
#include "verilated.h"
#include "verilated_syms.h"

namespace {

constexpr uint32_t kStreamMagic = 0x53525458;
constexpr uint32_t kTrailerMagic = 0x45525458;
constexpr uint32_t kStreamVersion = 1;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "harness: %s\n", what.c_str());
  std::exit(3);
}

std::vector<uint8_t> readFile(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (!file) fail(std::string("cannot open ") + path + ": " + std::strerror(errno));
  std::vector<uint8_t> bytes;
  uint8_t buffer[65536];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) bytes.insert(bytes.end(), buffer, buffer + got);
  std::fclose(file);
  return bytes;
}

// 32-bit little-endian words of a file.
uint32_t wordAt(const std::vector<uint8_t>& bytes, size_t index) {
  const uint8_t* at = &bytes[4 * index];
  return at[0] | at[1] << 8 | at[2] << 16 | static_cast<uint32_t>(at[3]) << 24;
}

struct Probe {
  const void* data;
  int bytes;
};

// One line a probe: path below the top module, and width.
std::vector<Probe> findProbes(const VerilatedContext& context, const std::string& top, const char* path) {
  std::vector<uint8_t> text = readFile(path);
  text.push_back('\n');
  std::vector<Probe> probes;
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line += c;
      continue;
    }
    const size_t space = line.find(' ');
    if (space != std::string::npos) {
      const std::string full = "TOP." + top + "." + line.substr(0, space);
      const int width = std::atoi(line.c_str() + space + 1);
      const size_t dot = full.rfind('.');
      const VerilatedScope* scope = context.scopeFind(full.substr(0, dot).c_str());
      const VerilatedVar* variable = scope ? scope->varFind(full.c_str() + dot + 1) : nullptr;
      if (!variable) fail("the design has no register " + full);
      const int has = variable->dims() == 0 ? 1 : variable->packed().elements();
      if (has != width || width > 32) fail("the register " + full + " has " + std::to_string(has) + " bits, not " + std::to_string(width));
      probes.push_back({variable->datap(), width <= 8 ? 1 : width <= 16 ? 2 : 4});
    }
    line.clear();
  }
  return probes;
}

uint32_t read(const Probe& probe) {
  switch (probe.bytes) {
    case 1: return *static_cast<const uint8_t*>(probe.data);
    case 2: return *static_cast<const uint16_t*>(probe.data);
    default: return *static_cast<const uint32_t*>(probe.data);
  }
}

void put(const std::vector<uint32_t>& words) {
  if (std::fwrite(words.data(), 4, words.size(), stdout) != words.size()) fail("cannot write a frame");
}

void finish(uint32_t total) {
  put({kTrailerMagic, total});
  if (std::fflush(stdout) != 0) fail("cannot write the last frames");
}

}  // namespace
