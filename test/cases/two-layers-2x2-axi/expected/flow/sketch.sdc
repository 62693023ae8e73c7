# Timing constraints of xgen_sketch: one clock of 5 ns (synth.clock_ns); inputs arrive a fifth of it after its edge, outputs
# leave a fifth before. The reset is synchronous and timed like any input. Checked with OpenSTA.
create_clock -name aclk -period 5 [get_ports aclk]
set_input_delay 1 -clock aclk [get_ports {aresetn s_axis_tdata[*] s_axis_tvalid s_axis_tlast m_axis_tready s_axis_weights_tdata[*] s_axis_weights_tvalid s_axis_weights_tlast s_axi_ctrl_awaddr[*] s_axi_ctrl_awvalid s_axi_ctrl_wdata[*] s_axi_ctrl_wstrb[*] s_axi_ctrl_wvalid s_axi_ctrl_bready s_axi_ctrl_araddr[*] s_axi_ctrl_arvalid s_axi_ctrl_rready}]
set_output_delay 1 -clock aclk [get_ports {s_axis_tready m_axis_tvalid m_axis_tdata[*] m_axis_tlast s_axis_weights_tready s_axi_ctrl_awready s_axi_ctrl_wready s_axi_ctrl_bresp[*] s_axi_ctrl_bvalid s_axi_ctrl_arready s_axi_ctrl_rdata[*] s_axi_ctrl_rresp[*] s_axi_ctrl_rvalid irq}]
