# Timing constraints of xgen_sketch: one clock of 5 ns (synth.clock_ns); inputs arrive a fifth of it after its edge, outputs
# leave a fifth before. The reset is synchronous and timed like any input. Checked with OpenSTA.
create_clock -name clk -period 5 [get_ports clk]
set_input_delay 1 -clock clk [get_ports {rst_n start in_valid in_data[*] out_ready}]
set_output_delay 1 -clock clk [get_ports {busy done in_ready out_valid out_data[*] out_last}]
