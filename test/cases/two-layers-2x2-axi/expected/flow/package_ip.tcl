# Packages xgen_sketch as an IP of the Vivado IP catalogue, in the directory ip beside this file, from any directory:
#   vivado -mode batch -source package_ip.tcl
# Its syntax and its calls were checked with stubs; Vivado itself was not run.
set here [file dirname [file normalize [info script]]]
set run [file dirname $here]
set ip [file join $here ip]

# The Verilog reads mem/*.hex relative to itself: the IP keeps both together.
file mkdir [file join $ip src mem]
set sources {}
foreach path { rtl/accumulator_column.v rtl/axi_control.v rtl/axi_input.v rtl/axi_lite_port.v rtl/axi_output.v rtl/control_delay.v rtl/feature_bank.v rtl/input_stream.v rtl/mul_exact_s8s8.v rtl/mul_roup_p1_r2_s8s8.v rtl/output_stream.v rtl/output_writer.v rtl/parameter_memory.v rtl/pe_exact_s8s8.v rtl/pe_roup_p1_r2_s8s8.v rtl/row_feeder.v rtl/sequencer.v rtl/tile_0.v rtl/tile_1.v rtl/weight_loader.v rtl/weight_memory.v rtl/xgen_sketch.v rtl/xgen_sketch_core.v } {
  set copy [file join $ip src [file tail $path]]
  file copy -force [file join $run $path] $copy
  lappend sources $copy
}
set memories {}
foreach path { mem/parameters.hex mem/passes.hex mem/program.hex mem/weights.hex } {
  set copy [file join $ip src mem [file tail $path]]
  file copy -force [file join $run $path] $copy
  lappend memories $copy
}

create_project -force package [file join $here ip_project]
add_files -norecurse $sources
add_files -norecurse $memories
foreach memory $memories {
  set_property file_type {Memory File} [get_files $memory]
}
set_property top xgen_sketch [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir $ip -vendor xgen -library accelerators -taxonomy /UserIP -force
set core [ipx::current_core]
set_property name xgen_sketch $core
set_property display_name {xgen_sketch} $core
set_property description {Accelerator for the network sketch, 2x2 PEs} $core
set_property version 1.0 $core

ipx::infer_bus_interface aclk xilinx.com:signal:clock_rtl:1.0 $core
ipx::infer_bus_interface aresetn xilinx.com:signal:reset_rtl:1.0 $core
set_property value ACTIVE_LOW [ipx::add_bus_parameter POLARITY [ipx::get_bus_interfaces aresetn -of_objects $core]]
ipx::associate_bus_interfaces -clock aclk -reset aresetn $core
ipx::infer_bus_interface irq xilinx.com:signal:interrupt_rtl:1.0 $core

# Found by their ports' names when the project was packaged; named here where they were not.
foreach {name type} { s_axis xilinx.com:interface:axis_rtl:1.0 s_axis_weights xilinx.com:interface:axis_rtl:1.0 s_axi_ctrl xilinx.com:interface:aximm_rtl:1.0 m_axis xilinx.com:interface:axis_rtl:1.0 } {
  if {[llength [ipx::get_bus_interfaces $name -of_objects $core]] == 0} {
    ipx::infer_bus_interfaces $type $core
  }
  ipx::associate_bus_interfaces -busif $name -clock aclk $core
}

ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project
