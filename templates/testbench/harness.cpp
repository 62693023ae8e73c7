// Runs a verilated accelerator with the native interface from a stimulus file and writes one frame a cycle to standard output:
// 32-bit little-endian words {cycle, ports, probes...}. What a frame means stands in testbench/frame.ts, the stimulus in
// testbench/stimulus.ts, the host's rules in testbench/host.ts. Probes are found by name at run time: the design is not touched.
//
// Usage: simulator <top module> <stimulus file> <probe file>
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

constexpr uint32_t kStimulusMagic = 0x4d535458;
constexpr uint32_t kStreamMagic = 0x53525458;
constexpr uint32_t kTrailerMagic = 0x45525458;
constexpr uint32_t kStimulusVersion = 2;
constexpr uint32_t kStreamVersion = 1;
constexpr uint32_t kAhead = 0x80000000;
constexpr size_t kHeaderWords = 8;

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

struct Stimulus {
  std::vector<uint8_t> bytes;
  uint32_t images = 0, elements = 0, patterns = 0, period = 0, patience = 0;

  uint32_t word(size_t index) const {
    const uint8_t* at = &bytes[4 * index];
    return at[0] | at[1] << 8 | at[2] << 16 | static_cast<uint32_t>(at[3]) << 24;
  }
  const uint8_t* codes(uint32_t image) const { return &bytes[4 * (kHeaderWords + images) + size_t(image) * elements]; }
  uint32_t patternIndex(uint32_t image) const { return word(kHeaderWords + image) & ~kAhead; }
  bool ahead(uint32_t image) const { return word(kHeaderWords + image) & kAhead; }
  const uint8_t* pattern(uint32_t image, bool outReady) const {
    return &bytes[4 * (kHeaderWords + images) + size_t(images) * elements + (2 * size_t(patternIndex(image)) + outReady) * period];
  }
};

Stimulus readStimulus(const char* path) {
  Stimulus s;
  s.bytes = readFile(path);
  if (s.bytes.size() < 4 * kHeaderWords || s.word(0) != kStimulusMagic) fail("the stimulus file is not one");
  if (s.word(1) != kStimulusVersion) fail("the stimulus file has another version");
  s.images = s.word(3);
  s.elements = s.word(4);
  s.patterns = s.word(5);
  s.period = s.word(6);
  s.patience = s.word(7);
  const uint64_t expected = 4 * (kHeaderWords + uint64_t(s.images)) + uint64_t(s.images) * s.elements + 2 * uint64_t(s.patterns) * s.period;
  if (s.word(2) != s.bytes.size() || expected != s.bytes.size() || s.period == 0) fail("the stimulus file has the wrong length");
  for (uint32_t i = 0; i < s.images; i++)
    if (s.patternIndex(i) >= s.patterns) fail("the stimulus file names a pattern that it has not");
  return s;
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

uint32_t portWord(const Vdesign& top) {
  uint32_t word = top.busy | top.done << 1 | top.in_ready << 2 | top.out_valid << 3 | top.start << 5 | top.in_valid << 6 | top.out_ready << 7;
  if (top.out_valid) word |= top.out_last << 4 | top.out_data << 8;
  return word | static_cast<uint32_t>(top.in_data) << 16;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: simulator <top module> <stimulus file> <probe file>");
  const Stimulus stimulus = readStimulus(argv[2]);
  VerilatedContext context;
  Vdesign top{&context, "TOP"};
  const std::vector<Probe> probes = findProbes(context, argv[1], argv[3]);
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 20);

  std::vector<uint32_t> frame(2 + probes.size());
  put({kStreamMagic, kStreamVersion, static_cast<uint32_t>(frame.size()), stimulus.images});

  top.rst_n = 0;
  top.start = top.in_valid = top.in_data = top.out_ready = 0;
  for (int edge = 0; edge < 3; edge++) {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
  }
  top.rst_n = 1;

  uint32_t total = 0;
  bool gaveUp = false;
  uint32_t sending = 0, sent = 0;  // the image being sent, and how many of its elements were taken
  bool offered = false;
  for (uint32_t image = 0; image < stimulus.images && !gaveUp; image++) {
    const uint8_t* outReady = stimulus.pattern(image, true);
    const uint8_t* steady = stimulus.pattern(image, false);
    uint32_t quiet = 0;
    for (uint32_t cycle = 0, done = 0; !done; cycle++) {
      if (sending < stimulus.images && (sending <= image || (sending == image + 1 && stimulus.ahead(sending))))
        offered = offered || stimulus.pattern(sending, false)[cycle % stimulus.period];
      top.clk = 0;
      top.start = cycle == 0 || (top.busy && !steady[cycle % stimulus.period]);
      top.in_valid = offered;
      top.in_data = offered ? stimulus.codes(sending)[sent] : 0;
      top.out_ready = outReady[cycle % stimulus.period];
      top.eval();
      done = top.done;
      const bool taken = top.in_valid && top.in_ready;
      quiet = taken || (top.out_valid && top.out_ready) ? 0 : quiet + 1;
      gaveUp = quiet > stimulus.patience;
      frame[0] = total++;
      frame[1] = portWord(top) | (gaveUp ? 1u << 31 : 0);
      for (size_t i = 0; i < probes.size(); i++) frame[2 + i] = read(probes[i]);
      put(frame);
      if (gaveUp) break;
      top.clk = 1;
      top.eval();
      if (taken) {
        offered = false;
        if (++sent == stimulus.elements) {
          sending++;
          sent = 0;
        }
      }
    }
  }
  put({kTrailerMagic, total});
  if (std::fflush(stdout) != 0) fail("cannot write the last frames");
  top.final();
  return 0;
}
