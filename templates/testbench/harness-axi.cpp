// Runs a verilated accelerator with the AXI interface from a stimulus file (testbench/axi-stimulus.ts) by the rules of
// testbench/axi-host.ts; what a frame means stands in testbench/axi-ports.ts. XGEN_WEIGHTS_STREAM says whether the design has one.
#include "harness.h"

namespace {

constexpr uint32_t kStimulusMagic = 0x41535458;
constexpr uint32_t kStimulusVersion = 1;
constexpr size_t kHeaderWords = 7;
constexpr int kSources = 5;
constexpr int kChannels = 8;
constexpr size_t kEpisodeWords = 3 + kChannels + kSources;
constexpr size_t kBeatWords = 6;
constexpr uint32_t kNone = 0xffffffff;
enum Channel { image, weights, aw, w, ar, output, b, r };

struct Episode {
  uint32_t reset, outputs, cycles;
  uint32_t stalls[kChannels];
  uint32_t beats[kSources];
  size_t beatsAt[kSources];  // in words
};

struct Stimulus {
  std::vector<uint8_t> bytes;
  std::vector<Episode> episodes;
  uint32_t patterns = 0, period = 0, patience = 0;
  size_t patternsAt = 0;  // in bytes

  uint32_t word(size_t index) const { return wordAt(bytes, index); }
  bool allows(uint32_t pattern, uint32_t time) const { return bytes[patternsAt + size_t(pattern) * period + time % period]; }
};

Stimulus readStimulus(const char* path) {
  Stimulus s;
  s.bytes = readFile(path);
  const size_t words = s.bytes.size() / 4;
  if (words < kHeaderWords || s.word(0) != kStimulusMagic) fail("the stimulus file is not one");
  if (s.word(1) != kStimulusVersion) fail("the stimulus file has another version");
  if (s.word(2) != s.bytes.size()) fail("the stimulus file has the wrong length");
  const uint32_t episodes = s.word(3);
  s.patterns = s.word(4);
  s.period = s.word(5);
  s.patience = s.word(6);
  size_t at = kHeaderWords;
  for (uint32_t i = 0; i < episodes; i++) {
    if (at + kEpisodeWords > words) fail("the stimulus file has the wrong length");
    Episode e;
    e.reset = s.word(at++);
    e.outputs = s.word(at++);
    e.cycles = s.word(at++);
    for (uint32_t& stall : e.stalls) {
      stall = s.word(at++);
      if (stall >= s.patterns) fail("the stimulus file names a pattern that it has not");
    }
    for (uint32_t& count : e.beats) count = s.word(at++);
    for (int source = 0; source < kSources; source++) {
      e.beatsAt[source] = at;
      if (e.beats[source] > (words - at) / kBeatWords) fail("the stimulus file has the wrong length");
      for (uint32_t beat = 0; beat < e.beats[source]; beat++, at += kBeatWords)
        for (const size_t channel : {s.word(at + 2), s.word(at + 4)})
          if (channel != kNone && channel >= kChannels) fail("the stimulus file names a channel that there is not");
    }
    s.episodes.push_back(e);
  }
  s.patternsAt = 4 * at;
  if (s.period == 0 || s.patternsAt + uint64_t(s.patterns) * s.period != s.bytes.size()) fail("the stimulus file has the wrong length");
  return s;
}

class Host {
 public:
  Host(const Stimulus& stimulus, Vdesign& top) : s(stimulus), top(top) {}

  void begin(const Episode& episode) {
    e = &episode;
    for (int c = 0; c < kChannels; c++) counts[c] = 0;
    for (bool& one : offered) one = false;
  }

  // `age`: cycles since the reset ended, negative in it; in the first one no beat is offered.
  void drive(int64_t age, uint32_t time) {
    const bool resetting = age < 0;
    top.aresetn = !resetting;
    for (int source = 0; source < kSources; source++) offer(source, age > 0, time);
    const auto ready = [&](int channel) { return !resetting && s.allows(e->stalls[channel], time); };
    top.m_axis_tready = ready(output);
    top.s_axi_ctrl_bready = ready(b);
    top.s_axi_ctrl_rready = ready(r);
  }

  // Which channels move in this cycle, as a bit mask.
  uint32_t moved() const {
    if (!top.aresetn) return 0;
    uint32_t mask = (top.s_axis_tvalid && top.s_axis_tready) << image;
#if XGEN_WEIGHTS_STREAM
    mask |= (top.s_axis_weights_tvalid && top.s_axis_weights_tready) << weights;
#endif
    mask |= (top.s_axi_ctrl_awvalid && top.s_axi_ctrl_awready) << aw;
    mask |= (top.s_axi_ctrl_wvalid && top.s_axi_ctrl_wready) << w;
    mask |= (top.s_axi_ctrl_arvalid && top.s_axi_ctrl_arready) << ar;
    mask |= (top.m_axis_tvalid && top.m_axis_tready) << output;
    mask |= (top.s_axi_ctrl_bvalid && top.s_axi_ctrl_bready) << b;
    mask |= (top.s_axi_ctrl_rvalid && top.s_axi_ctrl_rready) << r;
    return mask;
  }

  void take(uint32_t mask) {
    for (int c = 0; c < kChannels; c++) {
      if (!(mask >> c & 1)) continue;
      counts[c]++;
      if (c < kSources) offered[c] = false;
    }
  }

  bool ended(uint32_t mask, uint32_t cycle) const {
    if (e->cycles != kNone) return cycle + 1 >= e->cycles;
    const auto after = [&](int c) { return counts[c] + (mask >> c & 1); };
    for (int source = 0; source < kSources; source++)
      if (after(source) < e->beats[source]) return false;
    return after(output) >= e->outputs && after(b) >= e->beats[aw] && after(r) >= e->beats[ar];
  }

 private:
  bool due(size_t beat) const {
    for (const size_t at : {beat + 2, beat + 4})
      if (s.word(at) != kNone && counts[s.word(at)] < s.word(at + 1)) return false;
    return true;
  }

  void offer(int source, bool may, uint32_t time) {
    const bool more = counts[source] < e->beats[source];
    const size_t beat = more ? e->beatsAt[source] + counts[source] * kBeatWords : 0;
    if (may && more) offered[source] = offered[source] || (s.allows(e->stalls[source], time) && due(beat));
    const bool valid = may && more && offered[source];
    const uint32_t data = valid ? s.word(beat) : 0, extra = valid ? s.word(beat + 1) : 0;
    switch (source) {
      case image:
        top.s_axis_tvalid = valid;
        top.s_axis_tdata = data;
        top.s_axis_tlast = extra;
        break;
      case weights:
#if XGEN_WEIGHTS_STREAM
        top.s_axis_weights_tvalid = valid;
        top.s_axis_weights_tdata = data;
        top.s_axis_weights_tlast = extra;
#endif
        break;
      case aw:
        top.s_axi_ctrl_awvalid = valid;
        top.s_axi_ctrl_awaddr = data;
        break;
      case w:
        top.s_axi_ctrl_wvalid = valid;
        top.s_axi_ctrl_wdata = data;
        top.s_axi_ctrl_wstrb = extra;
        break;
      default:
        top.s_axi_ctrl_arvalid = valid;
        top.s_axi_ctrl_araddr = data;
    }
  }

  const Stimulus& s;
  Vdesign& top;
  const Episode* e = nullptr;
  uint32_t counts[kChannels] = {};
  bool offered[kSources] = {};
};

// The ports' words of a frame; a payload counts as 0 where its VALID is 0.
void portWords(const Vdesign& top, uint32_t* word) {
  word[0] = top.aresetn | top.s_axis_tvalid << 1 | top.s_axis_tready << 2 | top.s_axis_tlast << 3 | top.m_axis_tvalid << 4 |
            top.m_axis_tready << 5 | (top.m_axis_tvalid & top.m_axis_tlast) << 6 | top.s_axi_ctrl_awvalid << 10 |
            top.s_axi_ctrl_awready << 11 | top.s_axi_ctrl_wvalid << 12 | top.s_axi_ctrl_wready << 13 | top.s_axi_ctrl_bvalid << 14 |
            top.s_axi_ctrl_bready << 15 | top.s_axi_ctrl_arvalid << 16 | top.s_axi_ctrl_arready << 17 | top.s_axi_ctrl_rvalid << 18 |
            top.s_axi_ctrl_rready << 19 | top.s_axi_ctrl_wstrb << 24 | static_cast<uint32_t>(top.irq) << 28;
  if (top.s_axi_ctrl_bvalid) word[0] |= top.s_axi_ctrl_bresp << 20;
  if (top.s_axi_ctrl_rvalid) word[0] |= top.s_axi_ctrl_rresp << 22;
  word[1] = top.s_axis_tdata | (top.m_axis_tvalid ? top.m_axis_tdata << 8 : 0) | static_cast<uint32_t>(top.s_axi_ctrl_awaddr) << 16;
  word[2] = top.s_axi_ctrl_araddr;
  word[3] = 0;
#if XGEN_WEIGHTS_STREAM
  word[0] |= top.s_axis_weights_tvalid << 7 | top.s_axis_weights_tready << 8 | top.s_axis_weights_tlast << 9;
  word[3] = top.s_axis_weights_tdata;
#endif
  word[4] = top.s_axi_ctrl_wdata;
  word[5] = top.s_axi_ctrl_rvalid ? top.s_axi_ctrl_rdata : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: simulator <top module> <stimulus file> <probe file>");
  const Stimulus stimulus = readStimulus(argv[2]);
  VerilatedContext context;
  Vdesign top{&context, "TOP"};
  const std::vector<Probe> probes = findProbes(context, argv[1], argv[3]);
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 20);

  constexpr size_t kPortWords = 6;
  std::vector<uint32_t> frame(1 + kPortWords + probes.size());
  put({kStreamMagic, kStreamVersion, static_cast<uint32_t>(frame.size()), static_cast<uint32_t>(stimulus.episodes.size())});

  Host host(stimulus, top);
  Episode none = {};
  host.begin(none);
  host.drive(-1, 0);
  for (int edge = 0; edge < 3; edge++) {
    top.aclk = 0;
    top.eval();
    top.aclk = 1;
    top.eval();
  }

  uint32_t total = 0, quiet = 0;
  bool hangs = false;
  for (const Episode& episode : stimulus.episodes) {
    host.begin(episode);
    bool ended = false;
    for (uint32_t cycle = 0; !ended && !hangs; cycle++) {
      const bool resetting = cycle < episode.reset;
      top.aclk = 0;
      host.drive(int64_t(cycle) - episode.reset, total);
      top.eval();
      const uint32_t moved = host.moved();
      quiet = resetting || moved ? 0 : quiet + 1;
      hangs = quiet > stimulus.patience;
      ended = !resetting && host.ended(moved, cycle - episode.reset);
      frame[0] = total++;
      portWords(top, &frame[1]);
      if (hangs) frame[1] |= 1u << 31;
      for (size_t i = 0; i < probes.size(); i++) frame[1 + kPortWords + i] = read(probes[i]);
      put(frame);
      top.aclk = 1;
      top.eval();
      host.take(moved);
    }
  }
  finish(total);
  top.final();
  return 0;
}
