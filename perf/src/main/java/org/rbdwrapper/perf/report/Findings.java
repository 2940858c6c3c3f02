package org.rbdwrapper.perf.report;

import org.rbdwrapper.perf.parts.CommandsPart;
import org.rbdwrapper.perf.parts.IdlePart;
import org.rbdwrapper.perf.parts.MemoryPart;
import org.rbdwrapper.perf.parts.PausePart;
import org.rbdwrapper.perf.parts.Plan;
import org.rbdwrapper.perf.parts.ScalingPart;
import org.rbdwrapper.perf.parts.StoresPart;
import org.rbdwrapper.perf.parts.WaysPart;

import java.util.List;
import java.util.Map;

/**
 * What a run found. A part that was not run is null.
 *
 * @param fioOptions what fio's librbd was set to, beside the cluster's own ceph.conf.
 * @param leftOut what was asked for and could not be run, and why.
 */
public record Findings(
        String date,
        Map<String, Object> machine,
        Plan plan,
        List<String> fioOptions,
        MemoryPart.Result memory,
        StoresPart.Result stores,
        IdlePart.Result idle,
        PausePart.Result pause,
        WaysPart.Result ways,
        ScalingPart.Result scaling,
        CommandsPart.Result commands,
        Map<String, String> leftOut) {}
