"""Objects whose state follows from earlier frames: frames rendered apart need their baked caches."""

import os

import bpy

POINT_CACHED = {"CLOTH", "SOFT_BODY"}
SIMULATION_NODE = "GeometryNodeSimulationOutput"


def simulations(scene, listed):
    found = sorted({(name, baked) for item in scene.objects for name, baked in of_object(item)})
    world = scene.rigidbody_world
    if world is not None and world.enabled:
        found.append(("Rigid Body World", world.point_cache.is_baked))
    return {
        "simulations": listed([name for name, _ in found]),
        "simulations_unbaked": listed([name for name, baked in found if not baked]),
    }


def of_object(item):
    """(name, is baked) of each simulation on an object."""
    for modifier in item.modifiers:
        baked = is_baked(modifier, item)
        if baked is not None:
            yield item.name, baked


def is_baked(modifier, item):
    """None for a modifier that simulates nothing."""
    if modifier.type in POINT_CACHED:
        return modifier.point_cache.is_baked
    if modifier.type == "PARTICLE_SYSTEM":
        cache = modifier.particle_system
        return cache.settings.type == "HAIR" or cache.point_cache.is_baked
    if modifier.type == "DYNAMIC_PAINT":
        canvas = modifier.canvas_settings
        return all(surface.point_cache.is_baked for surface in canvas.canvas_surfaces) if canvas else None
    if modifier.type == "FLUID":
        return is_fluid_baked(modifier)
    if modifier.type == "NODES":
        return are_nodes_baked(modifier)
    return None


def is_fluid_baked(modifier):
    """Only the domain keeps a cache."""
    if modifier.fluid_type != "DOMAIN":
        return None
    domain = modifier.domain_settings
    return bool(has_files(domain.cache_directory) or domain.has_cache_baked_data)


def are_nodes_baked(modifier):
    """Simulation zones, also inside groups; None where there is none."""
    if not has_simulation(modifier.node_group, set()):
        return None
    if any(getattr(bake, "bake_target", "") == "PACKED" for bake in modifier.bakes):
        return True
    return has_files(modifier.bake_directory) or any(has_files(bake.directory) for bake in modifier.bakes)


def has_simulation(tree, seen):
    if tree is None or tree in seen:
        return False
    seen.add(tree)
    inner = [node.node_tree for node in tree.nodes if node.type == "GROUP"]
    return any(node.bl_idname == SIMULATION_NODE for node in tree.nodes) or any(has_simulation(group, seen) for group in inner)


def has_files(directory):
    folder = bpy.path.abspath(directory or "")
    return bool(folder) and os.path.isdir(folder) and any(names for _, _, names in os.walk(folder))
