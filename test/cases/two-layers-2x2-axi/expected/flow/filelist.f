// Sources of xgen_sketch, from this directory: verilator -F flow/filelist.f from anywhere, or in this directory
// verilator -f filelist.f and iverilog -c filelist.f. Simulators find the memory images with
// -DXGEN_MEM_DIR='"../mem/"' where they run in this directory.
../rtl/accumulator_column.v
../rtl/axi_control.v
../rtl/axi_input.v
../rtl/axi_lite_port.v
../rtl/axi_output.v
../rtl/control_delay.v
../rtl/feature_bank.v
../rtl/input_stream.v
../rtl/mul_exact_s8s8.v
../rtl/mul_roup_p1_r2_s8s8.v
../rtl/output_stream.v
../rtl/output_writer.v
../rtl/parameter_memory.v
../rtl/pe_exact_s8s8.v
../rtl/pe_roup_p1_r2_s8s8.v
../rtl/row_feeder.v
../rtl/sequencer.v
../rtl/tile_0.v
../rtl/tile_1.v
../rtl/weight_loader.v
../rtl/weight_memory.v
../rtl/xgen_sketch.v
../rtl/xgen_sketch_core.v
